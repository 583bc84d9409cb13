"""A chain of its own inside this process, with the registry on it: for tests, demos and lessons.

Nothing is installed but packages, nothing listens, and nothing is left when it is closed. It is a
real EVM that runs the real contract; what it lacks is other people. Its blocks are made when
something is sent, and have the time of a clock: as on every chain in whole seconds, and each later
than the one before.

This is the one door to eth-tester.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

from cityid import keys, timestamp
from cityid.keys import DigestSigner, KeyType, Signer
from cityid.registry.base import Clock, microseconds, now
from cityid.registry.checkpoint import check_operator, check_origin
from cityid.registry.ethereum.contract.deployment import deploy
from cityid.registry.ethereum.contract.layout import admit_call
from cityid.registry.ethereum.hashing import read_address
from cityid.registry.ethereum.history import Contract
from cityid.registry.ethereum.nodes.chain import Chain, connect_chain
from cityid.registry.ethereum.nodes.rpc import tester_endpoint
from cityid.registry.ethereum.registry import EthereumRegistry, demand_installed
from cityid.registry.ethereum.sending.outbox import MemoryOutbox
from cityid.registry.ethereum.sending.pen import demand_signer
from cityid.registry.ethereum.sending.sender import Call, Sender, Ticket
from cityid.registry.ethereum.sending.transactions import address

GAS_LIMIT: Final = 1 << 30
"""The gas of a block: enough for the largest batch that a registry takes."""
_WEALTH: Final = 10**24
_MICROSECONDS: Final = 1_000_000
_POLL_SECONDS: Final = 0.01
_ADMISSION: Final = b"cityid embedded admission"
_ADMISSION_GAS: Final = 200_000


class TimedSender(Sender):
    """Sends to an embedded chain, whose blocks have the times of a clock."""

    def __init__(self, chain: Chain, signer: DigestSigner, tester: Any) -> None:
        super().__init__(chain, signer, MemoryOutbox(), poll=_POLL_SECONDS)
        self._tester = tester
        self.block_clock: Clock | None = None
        mine = tester.send_raw_transaction

        def mine_in_time(raw: str) -> Any:
            self._set_time()
            return mine(raw)

        # Here, where one thread at a time asks the chain, and whoever sends, for whatever reason.
        tester.send_raw_transaction = mine_in_time

    def submit_many(self, calls: Sequence[Call]) -> tuple[Ticket, ...]:
        """Send transactions, unless the clock tells no time; see `Sender.submit_many`."""
        if self.block_clock is not None:
            self._seconds(self.block_clock)  # before anything is kept that could be sent later
        return super().submit_many(calls)

    def _set_time(self) -> None:
        time = 0 if self.block_clock is None else self._seconds(self.block_clock)
        last: int = self._tester.get_block_by_number("latest")["timestamp"]
        self._tester.backend.chain.set_header_timestamp(max(time, last + 1))

    @staticmethod
    def _seconds(clock: Clock) -> int:
        return microseconds(timestamp.aware(clock())) // _MICROSECONDS


def make_tester(*wealthy: bytes) -> Any:
    """Return a chain in this process that begins in 1970.

    Args:
        wealthy: The addresses that have money.
    """
    limit = sys.getrecursionlimit()
    import eth  # noqa: F401 - lifts that limit for the whole process, which is not for it to do

    sys.setrecursionlimit(limit)
    from eth_tester import EthereumTester, PyEVMBackend

    account = {"balance": _WEALTH, "nonce": 0, "code": b"", "storage": {}}
    parameters = PyEVMBackend.generate_genesis_params({"gas_limit": GAS_LIMIT, "timestamp": 0})
    state = {address: dict(account) for address in wealthy}
    return EthereumTester(PyEVMBackend(genesis_parameters=parameters, genesis_state=state))


def open_embedded(
    *,
    origin: str | None = None,
    operator: Signer | None = None,
    clock: Clock = now,
    signer: DigestSigner | None = None,
    wealthy: Sequence[str] = (),
) -> EthereumRegistry:
    """Make a chain with a registry on it, which ends when it is closed.

    Args:
        origin: The registry's name in checkpoints; None for one made of chain and contract.
        operator: Who signs checkpoints.
        clock: Gives the times of the blocks; years before 1970 become its first seconds.
        signer: Who writes; None for a new key. It has money, and is a writer.
        wealthy: The addresses of others who have money.

    Raises:
        InvalidInputError: The registry cannot have this name.
        UnsupportedError: The extra is not installed.
    """
    if origin is not None:
        check_origin(origin)
    check_operator(operator)
    demand_installed("web3", "eth_tester", "eth")
    signer = keys.generate(KeyType.SECP256K1) if signer is None else signer
    demand_signer(signer)
    own = address(signer.public_key)
    tester = make_tester(*map(read_address, (own, *wealthy)))
    chain = connect_chain([tester_endpoint(tester)], confirmations=0)
    sender = TimedSender(chain, signer, tester)
    deployment = deploy(chain, sender, steward=None)
    admission = admit_call(read_address(own))
    sender.wait(sender.submit(deployment.address, admission, key=_ADMISSION, gas=_ADMISSION_GAS))
    sender.block_clock = clock
    contract = Contract(chain, deployment.address, deployment.block)

    def release() -> None:
        sender.close()
        chain.close()

    return EthereumRegistry(
        contract, origin=origin, operator=operator, sender=sender, release=release
    )
