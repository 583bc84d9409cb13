"""Chains for the tests: one inside the process, and real nodes on the loopback address.

`anvil` runs the node that ``make anvil`` installs; a test that needs it carries the mark ``anvil``
and is left out where it is missing. A node that mines by hand (``block_time=None``) lets a test
decide when time passes::

    with chains.anvil(block_time=None) as node:
        endpoint = faults.FaultyNode(node.endpoint())
        endpoint.faults.append(faults.rate_limited)
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cityid import keys
from cityid.keys import PrivateKey
from cityid.registry.ethereum.failures import RpcError
from cityid.registry.ethereum.nodes.rpc import Endpoint, http_endpoint, tester_endpoint

ETHER = 10**18
_BUILD = Path(__file__).resolve().parents[1] / "build" / "anvil" / "node_modules" / "@foundry-rs"
_LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_START_SECONDS = 20.0


def anvil_path() -> Path | None:
    """Return the program of the node; None where it is not installed."""
    named = os.environ.get("CITYID_ANVIL")
    if named:
        return Path(named)
    built = sorted(_BUILD.glob("anvil-*/bin/anvil"))
    found = shutil.which("anvil")
    return built[0] if built else Path(found) if found else None


def key(name: str) -> PrivateKey:
    """Return the key of somebody on a chain, which follows from the name."""
    return keys.generate("secp256k1", seed=f"chain key of {name}".encode().ljust(32, b".")[:32])


# --- a node of its own


@dataclass(frozen=True, slots=True)
class Node:
    """A running anvil.

    Attributes:
        url: Where it answers.
        pid: Its process.
    """

    url: str
    pid: int
    control: Endpoint = field(repr=False)
    _opened: list[Endpoint] = field(default_factory=list, repr=False)

    def endpoint(self, **options: Any) -> Endpoint:
        """Return a new connection, closed with the node; options are those of `http_endpoint`."""
        opened = http_endpoint(self.url, **options)
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        """Close all connections to it."""
        for endpoint in (self.control, *self._opened):
            endpoint.close()

    def ask(self, method: str, *params: str | int | bool) -> Any:
        """Ask or tell it something, past all faults."""
        return self.control.request(method, params)

    def fund(self, address: str, wei: int = 10_000 * ETHER) -> None:
        """Give an address a balance."""
        self.ask("anvil_setBalance", address, hex(wei))

    def height(self) -> int:
        """Return the number of the last block."""
        return int(self.ask("eth_blockNumber"), 16)

    def last_block(self) -> dict[str, Any]:
        """Return the last block, with the hashes of its transactions."""
        block: dict[str, Any] = self.control.request("eth_getBlockByNumber", ["latest", False])
        return block

    def time(self) -> int:
        """Return the time of the last block, in seconds since 1970."""
        return int(self.last_block()["timestamp"], 16)

    def mine(self, count: int = 1, *, at: int | None = None, step: int = 1) -> None:
        """Make blocks; the first at a time, in seconds since 1970, the others `step` s apart."""
        for number in range(count):
            when = None if at is None else at + number * step
            self.ask("evm_mine", *([] if when is None else [hex(when)]))

    def skip(self, count: int) -> None:
        """Make empty blocks, a second apart."""
        self.ask("anvil_mine", hex(count), hex(1))

    def rollback(self, depth: int) -> None:
        """Take the last blocks back; their transactions are forgotten, not pending again."""
        self.ask("anvil_rollback", depth)

    def reorg(self, depth: int, raw: Sequence[str] = (), *, later: int = 1) -> None:
        """Replace the last blocks by as many others and one more, at other times.

        Args:
            depth: How many blocks to replace.
            raw: Raw transactions that the new blocks hold too, from the first one on.
            later: By how many seconds the new blocks are later than the last old one.
        """
        when = self.time() + later
        self.rollback(depth)
        for transaction in raw:
            with suppress(RpcError):
                self.ask("eth_sendRawTransaction", transaction)
        self.mine(depth + 1, at=when)

    def drop(self, transaction: str) -> None:
        """Forget a pending transaction."""
        self.ask("anvil_dropTransaction", transaction)

    def snapshot(self) -> str:
        """Remember the whole state."""
        return str(self.ask("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Go back to a state that was remembered."""
        if self.ask("evm_revert", snapshot) is not True:
            raise LookupError(f"there is no snapshot {snapshot}")


@contextmanager
def anvil(
    *,
    block_time: int | None = 1,
    gas_limit: int | None = None,
    hardfork: str | None = None,
    slots_in_an_epoch: int = 1,
    chain_id: int = 31337,
    arguments: Sequence[str] = (),
) -> Iterator[Node]:
    """Run a node until the block ends, however it ends.

    Args:
        block_time: Seconds between blocks; None where the test makes them.
        gas_limit: The most gas of a block.
        hardfork: The rules, such as ``london``; the node's newest where it is None.
        slots_in_an_epoch: The tag ``finalized`` stays twice as many blocks behind the last.
        chain_id: The chain's id.
        arguments: More arguments.
    """
    program = anvil_path()
    if program is None:
        raise FileNotFoundError("anvil is missing: make anvil")
    mining = ["--no-mining"] if block_time is None else ["--block-time", str(block_time)]
    limits = [] if gas_limit is None else ["--gas-limit", str(gas_limit)]
    rules = [] if hardfork is None else ["--hardfork", hardfork]
    epoch = ["--slots-in-an-epoch", str(slots_in_an_epoch), "--chain-id", str(chain_id)]
    command = [str(program), "--port", "0", *mining, *limits, *rules, *epoch, *arguments]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([*leash(), *command], stdout=said, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{_port(process, said.fileno())}"
            control = http_endpoint(url, timeout=30)
            node = Node(url, process.pid, control)
            try:
                control.request("anvil_setLoggingEnabled", [False])
                yield node
            finally:
                node.close()
        finally:
            _stop(process)


def leash() -> list[str]:
    """Return what makes a process end with this one, even when this one is killed."""
    leash = shutil.which("setpriv")
    return [leash, "--pdeathsig", "KILL"] if leash else []


def _port(process: subprocess.Popen[bytes], said: int) -> int:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        text = os.pread(said, 1 << 16, 0).decode(errors="replace")
        if found := _LISTENING.search(text):
            return int(found[1])
        if process.poll() is not None or time.monotonic() > deadline:
            raise ChildProcessError(f"anvil does not listen: {text}")
        time.sleep(0.005)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- a chain in the process


@dataclass(frozen=True, slots=True)
class InProcess:
    """An EVM in this process: slow, but there wherever the package is."""

    tester: Any
    control: Endpoint

    def endpoint(self) -> Endpoint:
        """Return another connection to the same chain."""
        return tester_endpoint(self.tester)

    def fund(self, address: str, wei: int = 1000 * ETHER) -> None:
        """Give an address a balance, from one of the accounts that the chain begins with."""
        rich = self.tester.get_accounts()[0]
        self.tester.send_transaction({"from": rich, "to": address, "value": wei, "gas": 21_000})

    def mine(self, count: int = 1) -> None:
        """Make blocks; one is made for every transaction anyway."""
        self.tester.mine_blocks(count)


def in_process(*, automatic: bool = True) -> InProcess:
    """Return a new chain in this process.

    Args:
        automatic: Whether every transaction gets a block of its own at once.
    """
    from eth_tester import EthereumTester, PyEVMBackend

    tester = EthereumTester(PyEVMBackend())
    if not automatic:
        tester.disable_auto_mine_transactions()
    return InProcess(tester, tester_endpoint(tester))
