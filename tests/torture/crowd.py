"""Many processes that append at once, to one log together and each to its own."""

from __future__ import annotations

import os
import struct
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cityid import registry
from cityid.errors import Code, ConflictError, RegistryError
from cityid.registry import NewEntry
from torture.witness import Connect, Witness, expect

PROCESSES = 8
_TOLD = struct.Struct("<QQ")


def append(connect: Connect, address: str, number: int, count: int) -> tuple[int, int]:
    """Append `count` times; return the conflicts met, and the last sequence acknowledged."""
    conflicts = done = last = 0
    with connect(address) as ledger:
        while done < count:
            head = ledger.head("shared")
            name = f"{number} {done}".encode()
            shared = NewEntry("shared", head.version + 1 if head else 1, name)
            try:
                last = ledger.append([shared, NewEntry(f"own:{number}", done + 1, name)])[
                    1
                ].sequence
                done += 1
            except ConflictError:
                conflicts += 1
            except RegistryError as error:
                if error.code != Code.STORE_LOCKED:
                    raise
    return conflicts, last


def run(
    seed: int, count: int, folder: Path, connect: Connect = registry.connect
) -> Iterator[Counter[str]]:
    """Let `PROCESSES` processes append `count` times each; there is no chance but the machine's."""
    address = f"file:{folder / f'crowd-{seed}.registry'}"
    connect(address).close()
    children = [_start(connect, address, number, count) for number in range(PROCESSES)]
    conflicts = 0
    ends = {}
    for number, (pid, reading) in enumerate(children):
        with os.fdopen(reading, "rb") as pipe:
            data = pipe.read()
        status = os.waitpid(pid, 0)[1]
        expect(status == 0 and len(data) == _TOLD.size, f"process {number} failed")
        met, ends[number] = _TOLD.unpack(data)
        conflicts += met
        yield Counter(processes=1)
    witness = Witness()
    with connect(address) as ledger:
        witness.reread(ledger)
    written = Counter(f"{p} {i}".encode() for p in range(PROCESSES) for i in range(count))
    shared = Counter(r.data for r in witness.records if r.log == "shared")
    expect(shared == written, f"lost: {written - shared}, doubled: {shared - written}")
    for number, sequence in ends.items():
        expect(
            witness.places[f"own:{number}", count] == sequence, "another record was acknowledged"
        )
    yield Counter(appends=PROCESSES * count, records=len(witness.records), conflicts=conflicts)


def _start(connect: Connect, address: str, number: int, count: int) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:
        os.write(writing, _TOLD.pack(*append(connect, address, number, count)))
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the parent learns it from the status
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)
