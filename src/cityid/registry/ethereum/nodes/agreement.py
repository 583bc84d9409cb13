"""What several nodes say together: agreed by enough of them, or undetermined.

A node that answers otherwise than enough others is outvoted and named. Where two answers have
enough voices, or none has, nothing is believed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from cityid.errors import Code, RegistryError, quote
from cityid.registry.ethereum.failures import RpcError

T = TypeVar("T", bound=Hashable)

_MOST_NAMED: Final = 10


class Voice(NamedTuple, Generic[T]):
    """What one node said.

    Attributes:
        name: The node's name.
        said: Its answer, or why there is none.
    """

    name: str
    said: T | RegistryError


@dataclass(frozen=True, slots=True)
class Agreement(Generic[T]):
    """What enough nodes said, and who did not.

    Attributes:
        value: What they said.
        warnings: A sentence about each node that said otherwise, or nothing.
    """

    value: T
    warnings: tuple[str, ...]


def agree(voices: Sequence[Voice[T]], quorum: int, what: str) -> Agreement[T]:
    """Return what at least so many nodes say alike.

    Args:
        voices: What each node said.
        quorum: How many must agree.
        what: What they were asked, for messages.

    Raises:
        RegistryError: Too few agree, or some agree on one answer and some on another
            (``REGISTRY_UNDETERMINED``); or too few answered at all.
    """
    winners = [answer for answer, names in _tally(voices).items() if len(names) >= quorum]
    if len(winners) != 1:
        raise disagreement(voices, quorum, what)
    value = winners[0]
    warnings = [
        f"{voice.name} could not be asked for {what}: {voice.said}"
        if isinstance(voice.said, RegistryError)
        else f"{voice.name} contradicts {quorum} others about {what}"
        for voice in voices
        if voice.said != value
    ]
    return Agreement(value, tuple(warnings))


def has_quorum(voices: Sequence[Voice[T]], quorum: int) -> bool:
    """Return whether at least so many nodes said the same."""
    return any(len(names) >= quorum for names in _tally(voices).values())


def disagreement(voices: Sequence[Voice[T]], quorum: int, what: str) -> RegistryError:
    """Return the error of nodes of which too few said the same.

    It is an `RpcError` where all that failed did so in one way, such as a contract's revert.

    Args:
        voices: What each node said.
        quorum: How many had to agree.
        what: What they were asked.
    """
    told = "; ".join(f"{voice.name}: {_shown(voice.said)}" for voice in voices[:_MOST_NAMED])
    answers = _tally(voices)
    if len(answers) > 1:
        return RegistryError(
            f"the nodes contradict each other about {what}, and {quorum} must agree: {told}",
            code=Code.REGISTRY_UNDETERMINED,
        )
    answered = sum(map(len, answers.values()))
    message = f"{answered} of {len(voices)} nodes answered about {what}, and {quorum} must: {told}"
    errors = [voice.said for voice in voices if isinstance(voice.said, RegistryError)]
    failures = {error.failure for error in errors if isinstance(error, RpcError)}
    if len(failures) == 1:
        reasons = [error.reason for error in errors if isinstance(error, RpcError)]
        return RpcError(message, failure=failures.pop(), reason=reasons[0])
    return RegistryError(message)


def _tally(voices: Sequence[Voice[T]]) -> dict[T, list[str]]:
    names: defaultdict[T, list[str]] = defaultdict(list)
    for voice in voices:
        if not isinstance(voice.said, RegistryError):
            names[voice.said].append(voice.name)
    return names


def _shown(said: object) -> str:
    return str(said)[:120] if isinstance(said, RegistryError) else quote(said, 100)
