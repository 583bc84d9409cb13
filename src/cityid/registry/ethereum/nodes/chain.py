"""A chain, as far as its nodes can be believed.

One node may lie. So either enough nodes must agree, or what they say is proven against a block
that the caller trusts. Whoever asks one node alone trusts it. What cannot be known is an error:
never an answer, and never that something is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from cityid.errors import Code, RegistryError, UnsupportedError
from cityid.registry.base import Closing
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.hashing import read_address
from cityid.registry.ethereum.hexadecimal import data, quantity
from cityid.registry.ethereum.nodes.agreement import Agreement, Voice, agree
from cityid.registry.ethereum.nodes.blocks import Block, Log, TrustedBlock
from cityid.registry.ethereum.nodes.node import Capabilities, Node, Topics
from cityid.registry.ethereum.nodes.paging import paged
from cityid.registry.ethereum.nodes.panel import Panel, Question
from cityid.registry.ethereum.nodes.rpc import Endpoint
from cityid.registry.ethereum.nodes.tips import common_tip, settled_tip
from cityid.registry.ethereum.nodes.trust import Trust, Warnings, check_trust

__all__ = ["Block", "Capabilities", "Chain", "Log", "TrustedBlock", "connect_chain"]

CONFIRMATIONS: Final = 12
"""How deep a block lies before it counts as settled, on chains that do not say what is final."""

T = TypeVar("T", bound=Hashable)

Check = Callable[[Sequence[Log]], object]
"""Refuses logs that are not believed by raising a `RegistryError`."""


_ONLY_ONE: Final = (
    "one node alone is asked, and it cannot prove {what} against a trusted block; "
    "give several nodes and a quorum"
)
_UNKNOWN_HASH: Final = (
    "the node gives no header that has the hash of {what}: it lies, or on this network the hash of "
    "a block is made in a way not known here; give several nodes and a quorum"
)


class Chain(Closing):
    """A chain behind its nodes; `connect_chain` makes one. Threads may share it.

    Attributes:
        chain_id: The chain's number.
        capabilities: What enough of its nodes are able to do.
        endpoints: Its nodes, in the order in which they were given.
    """

    def __init__(
        self,
        panel: Panel,
        endpoints: tuple[Endpoint, ...],
        *,
        chain_id: int,
        capabilities: Capabilities,
        trust: Trust,
        warnings: Warnings,
    ) -> None:
        self.chain_id = chain_id
        self.capabilities = capabilities
        self.endpoints = endpoints
        self._panel = panel
        self._trust = trust
        self._warnings = warnings
        self._found: Block | None = None

    @property
    def quorum(self) -> int:
        """How many of its nodes must say the same."""
        return self._trust.quorum

    @property
    def trusted_block(self) -> TrustedBlock | None:
        """The block that everything is read as of; None where the chain is followed."""
        return self._trust.block

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about nodes that lied, failed, or could not prove what they said."""
        return self._warnings.told()

    def settled(self) -> Block:
        """Return the last block that no reorganisation takes back.

        It is the trusted block where one was given; else the highest that enough nodes agree on,
        among those that they call final or that lie deep enough.

        Raises:
            RegistryError: It cannot be known.
        """
        if self._trust.block is not None:
            return self._trusted(self._trust.block)
        wanted = self._trust.confirmations

        def tip(node: Node, able: Capabilities) -> Block:
            depth = CONFIRMATIONS if wanted is None and not able.finalized else wanted
            return settled_tip(node, depth)

        return self._tip(tip, "the settled block")

    def latest(self) -> Block:
        """Return the last block that enough nodes know, which may yet be taken back.

        Raises:
            RegistryError: It cannot be known.
        """
        return self._tip(lambda node, _: node.block("latest"), "the latest block")

    def block(self, number: int) -> Block:
        """Return the block of a height.

        Args:
            number: The height.

        Raises:
            RegistryError: It cannot be known, also where there is no such block yet.
        """
        return self._answer(lambda node, _: node.block(number), f"block {number}")

    def storage(self, address: str, slot: int, block: Block) -> int:
        """Return a word of a contract's storage; see `storages`.

        Args:
            address: The contract.
            slot: The word's place.
            block: After which block.

        Raises:
            InvalidInputError: The address is none.
            RegistryError: It cannot be known.
        """
        return self.storages(address, (slot,), block)[0]

    def storages(self, address: str, slots: Sequence[int], block: Block) -> tuple[int, ...]:
        """Return words of a contract's storage, proven against the block where nodes do so.

        Args:
            address: The contract.
            slots: The words' places.
            block: After which block; it is believed.

        Returns:
            The words; 0 where nothing was ever written.

        Raises:
            InvalidInputError: The address is none.
            RegistryError: They cannot be known.
        """
        read_address(address)
        root = block.state_root
        return self._proof_or_answer(
            lambda node, able: node.proven_words(address, slots, _at(block, able), root),
            lambda node, able: node.words(address, slots, _at(block, able)),
            f"the storage of {address}",
        )

    def code(self, address: str, block: Block) -> bytes:
        """Return the code of a contract, proven as `storages` is; empty where there is none.

        Args:
            address: The contract.
            block: After which block; it is believed.

        Raises:
            InvalidInputError: The address is none.
            RegistryError: It cannot be known.
        """
        read_address(address)
        root = block.state_root
        return self._proof_or_answer(
            lambda node, able: node.proven_code(address, _at(block, able), root),
            lambda node, able: node.code(address, _at(block, able)),
            f"the code of {address}",
        )

    def call(self, address: str, content: bytes, block: Block) -> bytes:
        """Return what a contract answers, as enough nodes say it: it cannot be proven.

        Args:
            address: The contract.
            content: What it is called with.
            block: After which block.

        Raises:
            InvalidInputError: The address is none.
            RegistryError: It cannot be known; an `RpcError` where the contract reverts.
            UnsupportedError: A block is trusted, and one node alone is asked.
        """
        read_address(address)
        self._demand_several("a call")
        return self._answer(
            lambda node, able: node.call(address, content, _at(block, able)),
            f"a call of {address}",
        )

    def logs(
        self,
        address: str,
        topics: Topics,
        first: int,
        last: int,
        check: Check | None = None,
        *,
        agreed: bool = False,
    ) -> tuple[Log, ...]:
        """Return the logs of a contract in some blocks, in their order.

        With a check one node is asked, and the next where the check refuses what it says. Without
        one, and where the check alone does not suffice, enough nodes must say the same.

        Args:
            address: The contract.
            topics: What the topics may be, in their places; None where one may be anything.
            first: The first block.
            last: The last block.
            check: Refuses logs that do not lead to what is known, by raising a `RegistryError`.
            agreed: Whether enough nodes must say the same although there is a check.

        Raises:
            InvalidInputError: The address is none.
            RegistryError: They cannot be known.
            UnsupportedError: A block is trusted, and one node alone is asked, but by a check that
                suffices.
        """
        read_address(address)
        what = f"the logs of {address}"

        def checked(node: Node, _: Capabilities) -> tuple[Log, ...]:
            logs = paged(node, address, topics, first, last)
            if check is not None:
                check(logs)
            return logs

        if check is not None and not agreed:
            return self._panel.first(checked, what)
        self._demand_several("logs")
        return self._answer(checked, what)

    def ask(self, method: str, params: Sequence[Any] = ()) -> Any:
        """Return what the first node that answers says, of what needs no belief: fees, for one.

        Args:
            method: The method.
            params: Its parameters.

        Raises:
            RegistryError: No node answers.
        """
        return self._panel.first(lambda node, _: node.endpoint.request(method, params), method)

    def close(self) -> None:
        """Give all resources back; nothing can be asked afterwards."""
        self._panel.close()

    def _answer(self, question: Question[T], what: str) -> T:
        """Return what one node says where one is enough, else what enough of them say."""
        if self._trust.quorum == 1:
            return self._panel.first(question, what)
        voices = self._panel.everybody(question, self._trust.quorum)
        return self._told(agree(voices, self._trust.quorum, what))

    def _told(self, agreement: Agreement[T]) -> T:
        for warning in agreement.warnings:
            self._warnings.tell(warning)
        return agreement.value

    def _proof_or_answer(self, proof: Question[T], question: Question[T], what: str) -> T:
        if self._trust.quorum == 1:
            return self._panel.first(question if self._trust.block is None else proof, what)
        if self.capabilities.proofs:
            with suppress(RegistryError):
                return self._panel.first(proof, what)
        self._warnings.tell(f"no node proves {what}: {self._trust.quorum} say it alike instead")
        return self._answer(question, what)

    def _tip(self, question: Question[Block], what: str) -> Block:
        if self._trust.quorum == 1:
            return self._panel.first(question, what)
        return self._told(common_tip(self._panel, question, self._trust.quorum, what))

    def _trusted(self, trusted: TrustedBlock) -> Block:
        """Return the trusted block, whose header is found once."""
        if self._found is None:
            self._found = self._find(trusted)
        return self._found

    def _find(self, trusted: TrustedBlock) -> Block:
        what = f"the trusted block {trusted.number}"
        try:
            return self._panel.first(
                lambda node, _: node.proven_block(trusted.number, trusted.hash), what
            )
        except RegistryError as error:
            if self.capabilities.plain_hashes:
                raise
            if self._trust.quorum == 1:
                message = _UNKNOWN_HASH.format(what=what)
                raise RpcError(message, failure=Failure.UNSUPPORTED) from error
        block = self.block(trusted.number)
        if block.hash != trusted.hash:
            raise RegistryError(
                f"the nodes agree that {what} has another hash", code=Code.REGISTRY_UNDETERMINED
            )
        self._warnings.tell(
            f"the header of {what} cannot be proven; {self._trust.quorum} nodes say it alike"
        )
        return block

    def _demand_several(self, what: str) -> None:
        if self._trust.quorum == 1 and self._trust.block is not None:
            raise UnsupportedError(_ONLY_ONE.format(what=what), name="trusted_block")


def connect_chain(
    endpoints: Sequence[Endpoint],
    *,
    quorum: int = 1,
    confirmations: int | None = None,
    trusted_block: TrustedBlock | None = None,
    chain_id: int | None = None,
) -> Chain:
    """Connect to a chain through some of its nodes.

    Args:
        endpoints: The nodes, those of several operators best.
        quorum: How many of them must say the same. With 1, each is trusted, and the others stand
            in when it fails.
        confirmations: How deep a block lies before it is settled. Without it, what the nodes call
            final is; on chains without such a thing, what lies 12 deep.
        trusted_block: A block that is known from elsewhere: everything is read as of it, and
            proven against it, so that no node needs to be trusted.
        chain_id: The number of the chain; the one that the nodes agree on where None is given.

    Raises:
        InvalidInputError: The options do not fit together.
        RegistryError: Too few nodes can be reached, or they are on different chains.
    """
    trust = Trust(quorum, confirmations, trusted_block)
    check_trust(trust, len(endpoints), chain_id)
    warnings = Warnings()
    panel = Panel(endpoints, chain_id, warnings.tell)
    try:
        found, able = _introduce(panel, quorum, warnings)
    except RegistryError:
        panel.close()
        raise
    return Chain(
        panel,
        tuple(endpoints),
        chain_id=found,
        capabilities=able,
        trust=trust,
        warnings=warnings,
    )


def _introduce(panel: Panel, quorum: int, warnings: Warnings) -> tuple[int, Capabilities]:
    """Let the nodes say which chain they are on and what they are able to do."""
    voices = panel.everybody(lambda node, able: (node.chain_id(), able), quorum)
    able = [voice.said[1] for voice in voices if not isinstance(voice.said, RegistryError)]
    chains = [
        Voice(name, said if isinstance(said, RegistryError) else said[0]) for name, said in voices
    ]
    agreement = agree(chains, quorum, "the number of the chain")
    for warning in agreement.warnings:
        warnings.tell(warning)
    panel.chain_id = agreement.value
    panel.dismiss()

    def enough(flags: Iterable[bool]) -> bool:
        return sum(flags) >= quorum

    return agreement.value, Capabilities(
        finalized=enough(each.finalized for each in able),
        proofs=any(each.proofs for each in able),
        dynamic_fees=enough(each.dynamic_fees for each in able),
        by_hash=enough(each.by_hash for each in able),
        plain_hashes=enough(each.plain_hashes for each in able),
    )


def _at(block: Block, able: Capabilities) -> dict[str, str] | str:
    """Return a block as a node takes it: by its hash, which no reorganisation changes."""
    return {"blockHash": data(block.hash)} if able.by_hash else quantity(block.number)
