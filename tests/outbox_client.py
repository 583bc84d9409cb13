"""A process that sends work through an outbox, and may be killed at any moment.

    python outbox_client.py URL OUTBOX FIRST COUNT

It prints the name of each piece of work once that is settled. Several threads send at a time.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cityid import keys
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.nodes.rpc import http_endpoint
from cityid.registry.ethereum.sending.sender import FileOutbox, Sender

CONTRACT = "0x" + 40 * "1"
CONFIRMATIONS = 3


def name(number: int) -> bytes:
    return b"work %d" % number


def connect(url: str, path: Path) -> Sender:
    chain = connect_chain([http_endpoint(url)], confirmations=CONFIRMATIONS)
    key = keys.generate("secp256k1", seed=b"\7" * 32)
    return Sender(chain, key, FileOutbox(path), poll=0.05)


def main(url: str, path: str, first: str, count: str) -> None:
    sender = connect(url, Path(path))

    def send(number: int) -> None:
        ticket = sender.submit(CONTRACT, name(number), key=name(number), gas=50_000)
        sender.wait(ticket, timeout=60)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()

    print("ready", flush=True)  # noqa: T201 - for the test that listens
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(send, range(int(first), int(first) + int(count))):
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
