"""The registry on a chain, on a real node (anvil): against what the node itself can take.

The node makes a block every second; it is measured in the same run how many transactions that were
signed before it takes, which do the same as the appends. Its blocks have the usual size, that of
most networks; and, without a target, any size, which shows what the machine itself can do.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.histories import sample_history
from benchmarks.measure import Row, interleaved, shown
from cityid import did, registry
from cityid.did.methods import webvh
from cityid.registry import NewEntry
from cityid.registry.ethereum.contract import contents, layout
from cityid.registry.ethereum.nodes.chain import connect_chain
from cityid.registry.ethereum.registry import EthereumRegistry
from cityid.registry.ethereum.remote import open_contract
from cityid.registry.ethereum.sending.transactions import Fees, Transaction, address, sign

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import chains
from faults import FaultyNode
from torture.chain_city import City, city

_TRANSACTIONS = 5000
_THREADS = 32
_BATCH = 100
_BATCHES = 200
_TOGETHER = 100
"""How many transactions go to the node in one request."""
_DATA = b"x" * 100
_USUAL_GAS, _ANY_GAS = 30_000_000, 10**9
_PRICE = 10**11
_BLOCKS = 2000
_ENTRIES = 10
_CALLS = 12
_SHARE = 0.7


def chain(rounds: int) -> Iterator[Row]:
    """Measure writing against the node's own rate, reading after thousands of blocks, scanning."""
    if chains.anvil_path() is None:
        sys.exit("the group chain needs anvil: make anvil")
    yield from _writing(_USUAL_GAS, "blocks of 30 M gas", _SHARE)
    yield from _writing(_ANY_GAS, "blocks of any size", None)
    yield from _reading(max(5, rounds // 6))


# --- writing


def _writing(gas: int, blocks: str, target: float | None) -> Iterator[Row]:
    with (
        TemporaryDirectory() as folder,
        city(block_time=1, gas_limit=gas, slots_in_an_epoch=1) as place,
        registry.connect(
            f"ethereum+{place.node.url}/{place.contract}",
            signer=place.writers[1],
            outbox=f"{folder}/outbox",
        ) as ledger,
    ):
        node = _TRANSACTIONS / _raw_seconds(place)
        yield Row(f"chain, {blocks}: the node's own rate, signed before", node, "/s")
        one = _TRANSACTIONS / _single_seconds(ledger)
        detail = f"{one:,.0f}/s, {_THREADS} threads, settled"
        yield Row(f"chain, {blocks}: appends of one entry", one / node, "x", detail, target)
        many = _BATCH * _BATCHES / _batch_seconds(ledger)
        detail = f"{many:,.0f} entries/s, {_BATCH} in each, settled"
        yield Row(f"chain, {blocks}: appends in batches", many / node, "x", detail, target)
        if target is None:
            yield from _scanning(place, folder)


def _raw_seconds(place: City) -> float:
    """Return how long the node takes for appends that were signed before, until they are mined."""
    writer = place.writers[0]
    own = address(writer.public_key)
    nonce = int(place.node.ask("eth_getTransactionCount", own, "latest"), 16)
    signed = []
    for number in range(_TRANSACTIONS):
        log = f"raw:{number}"
        entry = layout.Entry(contents.log_id(log), 1, contents.content(log, 1, _DATA))
        transaction = Transaction(
            chain_id=31337,
            nonce=nonce + number,
            to=bytes.fromhex(place.contract[2:]),
            data=layout.append_call([entry]),
            gas=200_000,
            fees=Fees(price=_PRICE, tip=10**9),
        )
        signed.append("0x" + sign(transaction, writer).raw.hex())
    endpoint = place.node.endpoint()
    start = time.perf_counter()
    for first in range(0, _TRANSACTIONS, _TOGETHER):
        part = signed[first : first + _TOGETHER]
        endpoint.batch([("eth_sendRawTransaction", [raw]) for raw in part])
    while int(place.node.ask("eth_getTransactionCount", own, "latest"), 16) < nonce + len(signed):
        time.sleep(0.01)
    return time.perf_counter() - start


def _single_seconds(ledger: EthereumRegistry) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as threads:
        entries = ([NewEntry(f"one:{number}", 1, _DATA)] for number in range(_TRANSACTIONS))
        for pending in list(threads.map(ledger.submit, entries)):
            pending.wait()
    return time.perf_counter() - start


def _batch_seconds(ledger: EthereumRegistry) -> float:
    batches = [
        [NewEntry(f"many:{batch}:{number}", 1, _DATA) for number in range(_BATCH)]
        for batch in range(_BATCHES)
    ]
    start = time.perf_counter()
    for pending in [ledger.submit(batch) for batch in batches]:
        pending.wait()
    return time.perf_counter() - start


def _scanning(place: City, folder: str) -> Iterator[Row]:
    url = f"ethereum+{place.node.url}/{place.contract}"
    with registry.connect(url) as ledger:
        start = time.perf_counter()
        count = sum(1 for _ in ledger.scan())
        seconds = time.perf_counter() - start
    yield Row("chain, scan, every entry verified", count / seconds, "/s", f"{count:,} entries")
    with (
        registry.connect(url) as ledger,
        registry.connect(f"file:{folder}/mirror.registry", origin=ledger.origin) as copy,
    ):
        start = time.perf_counter()
        registry.mirror(ledger, copy)
        seconds = time.perf_counter() - start
        copied = copy.checkpoint().size
    yield Row("chain, mirror to a file, verified", copied / seconds, "/s", f"{copied:,} entries")


# --- reading


def _reading(rounds: int) -> Iterator[Row]:
    history = sample_history()
    name = str(history.did)
    with city(slots_in_an_epoch=1) as place:
        entries = [webvh.entry_record(entry, history.scid) for entry in history.entries]
        for entry in entries:
            _append_now(place, entry)
            place.node.skip(_BLOCKS // _ENTRIES)
        log = entries[0].log
        with _counted(place) as (first, node):
            records = first.read(log)
            assert len(records) == _ENTRIES
            assert len({record.evidence.block for record in records}) == _ENTRIES
            questions, requests = sum(node.asked.values()), node.requests
        yield Row(
            f"chain, a log of {_ENTRIES} entries after {_BLOCKS:,} blocks, a new connection",
            float(questions), "RPC calls", f"{requests} HTTP requests", _CALLS, at_most=True,
        )  # fmt: skip
        with _counted(place) as (ledger, _):
            resolver = did.resolver(ledger)
            times = interleaved(
                {
                    "read": lambda: ledger.read(log),
                    "resolve": lambda: resolver.resolve(name),
                    "first": lambda: did.resolver(ledger).resolve(name),
                },
                rounds=rounds,
                clock=time.perf_counter,
            )
            assert resolver.resolve(name).document is not None
        for work, title in (
            ("read", f"chain, read of that log of {_ENTRIES} entries"),
            ("first", "chain, did:webvh resolve from it, the first time"),
            ("resolve", "chain, did:webvh resolve from it, the log as before"),
        ):
            seconds = times.median(work)
            yield Row(title, 1 / seconds, "/s", f"{shown(seconds)} each")


def _append_now(place: City, entry: NewEntry) -> None:
    """Append an entry in a block of its own."""
    log, version, data = entry
    packed = layout.Entry(contents.log_id(log), version, contents.content(log, version, data))
    writer = place.writers[0]
    own = address(writer.public_key)
    transaction = Transaction(
        chain_id=31337,
        nonce=int(place.node.ask("eth_getTransactionCount", own, "latest"), 16),
        to=bytes.fromhex(place.contract[2:]),
        data=layout.append_call([packed]),
        gas=5_000_000,
        fees=Fees(price=_PRICE, tip=10**9),
    )
    place.node.ask("eth_sendRawTransaction", "0x" + sign(transaction, writer).raw.hex())
    place.node.mine()


@contextmanager
def _counted(place: City) -> Iterator[tuple[EthereumRegistry, FaultyNode]]:
    """Open a registry whose questions are counted, once it is open."""
    node = FaultyNode(place.node.endpoint())
    with (
        connect_chain([node]) as nodes,
        EthereumRegistry(open_contract(nodes, place.contract)) as r,
    ):
        node.asked.clear()
        node.requests = 0
        yield r, node
