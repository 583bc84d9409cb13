"""The freeze: a holder stops credentials that bear its name, and nobody else can.

At issue a credential gets a second ``credentialStatus``: a place in the suspension list of a
*freeze office*, bound to the key that the credential is bound to. Only a request signed by that key
sets the place. Whoever has a recovery key enrolled as well lifts the freeze with it alone: a thief
who has the phone can stop the credential, and not set it free again.

The office keeps every request in its own registry, one log a place: the first entry binds the
place to a key, each further one is a request. A request names the entry that it will become, so
none counts twice and none out of order; and `FreezeOffice.audit` holds the list against them. The
office never sees a credential.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from cityid import strict_json, timestamp
from cityid.cryptosuites import suite_for
from cityid.did import DID, Identity, Resolver, parse
from cityid.did.identity import demand_identity
from cityid.errors import (
    CityIdError,
    Code,
    ConflictError,
    CorruptError,
    InvalidInputError,
    NotFoundError,
    quote,
)
from cityid.registry import NewEntry, Record, Registry
from cityid.report import Problem
from cityid.securing import CLOCK_SKEW, add_proof, verify_proofs
from cityid.status import StatusList
from cityid.status.bitstring import read_entry
from cityid.status.state import last_state
from cityid.strict_json import JSONObject

FREEZE: Final = "freeze"
LIFT: Final = "lift"
PROMPT: Final = timedelta(minutes=15)
"""How long after it was signed a request counts."""
_BINDING: Final = "FreezeBinding"
_REQUEST: Final = "FreezeRequest"
_PLACE: Final = re.compile(r"0|[1-9][0-9]{0,8}")


def request(
    action: str,
    entry: Mapping[str, Any],
    *,
    by: Identity,
    sequence: int,
    at: datetime | None = None,
) -> JSONObject:
    """Return a signed request to the freeze office: what the holder sends.

    Args:
        action: ``freeze`` or ``lift``.
        entry: The ``credentialStatus`` of the credential that names the office's list.
        by: The holder, or whoever keeps the recovery key.
        sequence: The number that the office expects next; see `FreezeOffice.sequence`.
        at: When it is signed; now by default.

    Raises:
        InvalidInputError: There is no such action, or the entry is malformed.
        ProofGenerationError: The key cannot sign it.
    """
    demand_identity(by, "by")
    place = read_entry(entry)
    if action not in (FREEZE, LIFT):
        raise _refused(f"a request is to freeze or to lift, not to {quote(action)}")
    moment = timestamp.aware(at) if at is not None else datetime.now(UTC)
    method, signer = by.signer("authentication")
    unsigned = {
        "type": _REQUEST,
        "action": action,
        "statusListCredential": place.url,
        "statusListIndex": str(place.place),
        "sequence": sequence,
    }
    return add_proof(
        unsigned,
        signer=signer,
        verification_method=method,
        purpose="authentication",
        cryptosuite=suite_for(signer.public_key.type, form="jcs"),
        created=moment,
        expires=timestamp.later(moment, PROMPT),
        domain=place.url,
    )


class Binding(NamedTuple):
    """Who may do what with a place.

    Attributes:
        holder: The DID that may freeze it.
        recovery: The DID that may freeze and alone may lift it; None where the holder may.
    """

    holder: str
    recovery: str | None

    def allows(self, action: str) -> frozenset[str]:
        """Return whose signature an action needs."""
        if self.recovery is None:
            return frozenset({self.holder})
        return frozenset({self.recovery} | ({self.holder} if action == FREEZE else set()))


class _State(NamedTuple):
    binding: Binding
    sequence: int
    last: JSONObject

    @property
    def frozen(self) -> bool:
        return self.last.get("action") == FREEZE


@dataclass(frozen=True, slots=True, repr=False)
class FreezeOffice:
    """Runs a suspension list at the wish of holders.

    Args:
        suspended: The list, published for ``suspension``. What signs it is the office's alone:
            hand the list to nobody else, and `audit` it.
        evidence: The office's own registry of bindings and requests, never the public one: it
            tells which places belong to which key.
        resolver: Finds the holders' keys.
        skew: How far their clocks may be off.

    Raises:
        InvalidInputError: The list is for another purpose.
    """

    _suspended: StatusList
    evidence: Registry
    resolver: Resolver
    skew: timedelta = field(default=CLOCK_SKEW)

    def __post_init__(self) -> None:
        if self._suspended.purpose != "suspension":
            raise _refused("a freeze office runs a list for suspension")

    def __repr__(self) -> str:
        return f"<FreezeOffice {self._suspended.url}>"

    def enrol(self, holder: object, *, recovery: object = None) -> JSONObject:
        """Give a place to a holder; to be called at issue, with the DID the credential is bound to.

        Args:
            holder: The DID or identity that may freeze the credential.
            recovery: The DID or identity that alone may lift the freeze; the holder by default.

        Returns:
            The entry for the credential's ``credentialStatus``.

        Raises:
            InvalidInputError: Who is given is no DID, or the list is full.
            RegistryError: The evidence cannot be written.
        """
        entry = self._suspended.entry()
        binding: JSONObject = {"type": _BINDING, "holder": _did(holder)}
        if recovery is not None:
            binding["recovery"] = _did(recovery)
        self._append(read_entry(entry).place, 1, binding)
        return entry

    def sequence(self, entry: Mapping[str, Any]) -> int:
        """Return the number that the next request about a place must have.

        Args:
            entry: The ``credentialStatus`` that names the place.

        Raises:
            NotFoundError: The place belongs to nobody.
            RegistryError: The evidence cannot be read.
        """
        return self._state(self._place(entry)).sequence + 1

    def act(self, asked: Mapping[str, Any] | str | bytes, *, at: datetime | None = None) -> Record:
        """Do what a holder asks for; there is no other way to set or lift a freeze.

        The request is kept before the list is changed. Sent again because the answer was lost, it
        is answered again.

        Args:
            asked: The signed request.
            at: The time of judgement; now by default.

        Returns:
            The record of the list's present state.

        Raises:
            InvalidInputError: The request is malformed, not signed by who may ask for it, too old
                or meant for another place.
            ConflictError: It does not have the next number: it is a replay, or was overtaken.
            RegistryError: The evidence or the list cannot be read or written.
        """
        moment = timestamp.aware(at) if at is not None else datetime.now(UTC)
        document = (
            strict_json.parse_object(asked)
            if isinstance(asked, str | bytes)
            else strict_json.snapshot(asked)
        )
        place = self._place(document)
        action, sequence = document.get("action"), document.get("sequence")
        if document.get("type") != _REQUEST or action not in (FREEZE, LIFT):
            raise _refused("this is no request to freeze or to lift")
        state = self._state(place)
        self._demand_signed(document, state.binding.allows(str(action)), moment)
        if type(sequence) is not int or sequence not in {state.sequence, state.sequence + 1}:
            raise ConflictError(
                f"request {quote(sequence)} is not the next one, {state.sequence + 1}: it was "
                "made before, or overtaken; ask for the number and sign anew",
                log=self._log(place),
                expected=sequence if type(sequence) is int else 0,
                found=state.sequence + 1,
            )
        self._append(place, sequence + 1, document)
        return self._settle(place, moment)

    def audit(self) -> tuple[Problem, ...]:
        """Hold the list against the requests: whatever is set without one is told.

        Raises:
            RegistryError: The evidence or the list cannot be read.
        """
        asked, told = set(), {}
        for place in self._bound_places():
            state = self._state(place)
            asked |= {place} if state.frozen else set()
            if state.sequence and (fault := self._fault(place, state)):
                told[place] = f"frozen or lifted by a request that does not hold: {fault}"
        is_set = self._set_places()
        told |= dict.fromkeys(is_set - asked, "frozen without a request")
        told |= dict.fromkeys(asked - is_set, "not frozen, although it was asked for")
        return tuple(
            Problem(Code.STATUS_VERIFICATION_ERROR, f"place {place} is {told[place]}")
            for place in sorted(told)
        )

    def _bound_places(self) -> Iterator[int]:
        for record in self.evidence.scan():
            log, _, place = record.log.rpartition("#")
            if record.version == 1 and log == self._suspended.url and _PLACE.fullmatch(place):
                yield int(place)

    def _fault(self, place: int, state: _State) -> str:
        """Tell what is wrong with the last request about a place, as of when it was signed."""
        document = state.last
        named = {"statusListCredential": self._suspended.url, "statusListIndex": str(place)}
        meant = {"type": _REQUEST, "sequence": state.sequence, **named}
        if any(document.get(name) != value for name, value in meant.items()):
            return "it is about something else"
        try:
            signed = timestamp.parse(document["proof"]["created"], path="/proof/created")
            self._demand_signed(document, state.binding.allows(str(document["action"])), signed)
        except (CityIdError, KeyError, TypeError) as error:
            return str(error) if isinstance(error, CityIdError) else "it is not signed"
        return ""

    def _set_places(self) -> set[int]:
        own = self._suspended
        bits = last_state(own.registry, own.issuer, own.url, own.trust).list.bits
        return {
            index * 8 + bit
            for index, byte in enumerate(bits)
            if byte
            for bit in range(8)
            if byte >> (7 - bit) & 1
        }

    def _settle(self, place: int, at: datetime) -> Record:
        """Set a place to what its last request says, also where another comes in meanwhile."""
        while True:
            frozen = self._state(place).frozen
            change = self._suspended.suspend if frozen else self._suspended.lift
            record = change(place, at=at)
            if self._state(place).frozen == frozen:
                return record

    def _demand_signed(self, document: JSONObject, allowed: frozenset[str], at: datetime) -> None:
        found = verify_proofs(
            document,
            resolver=self.resolver,
            purpose="authentication",
            domain=self._suspended.url,
            at=at,
            skew=self.skew,
        )
        problem = next((c.problem for c in found.report if c.problem is not None), None)
        if problem is not None:
            told = f"the request does not verify: {problem.title}"
            raise InvalidInputError(told, code=problem.code)
        if not found.controllers or not found.controllers <= allowed:
            raise InvalidInputError(
                "the request is not signed by the key that this place is bound to",
                code=Code.HOLDER_BINDING_FAILED,
            )
        _demand_prompt(document, at, self.skew)

    def _place(self, entry: Mapping[str, Any]) -> int:
        """Return the place that an entry or a request names, in this office's list."""
        if not isinstance(entry, Mapping):
            raise _refused(f"{quote(entry)} names no place in a list")
        url, index = entry.get("statusListCredential"), entry.get("statusListIndex")
        if url != self._suspended.url:
            raise _refused(f"{quote(url, 120)} is not the list of this office")
        if not isinstance(index, str) or _PLACE.fullmatch(index) is None:
            raise _refused(f"{quote(index)} is no place in a list")
        return int(index)

    def _log(self, place: int) -> str:
        return f"{self._suspended.url}#{place}"

    def _append(self, place: int, version: int, document: JSONObject) -> None:
        data = strict_json.write(document).encode()
        self.evidence.append([NewEntry(self._log(place), version, data)])

    def _state(self, place: int) -> _State:
        log = self._log(place)
        first, head = self.evidence.read(log, limit=1), self.evidence.head(log)
        if not first or head is None:
            raise NotFoundError(f"place {place} belongs to nobody", ref=log)
        try:
            bound = strict_json.parse_object(first[0].data)
            last = strict_json.parse_object(head.data)
            binding = Binding(bound["holder"], bound.get("recovery"))
        except (InvalidInputError, KeyError) as error:
            raise CorruptError("what is kept is no evidence of a freeze", place=log) from error
        return _State(binding, head.version - 1, last)


def _demand_prompt(document: JSONObject, at: datetime, skew: timedelta) -> None:
    """Refuse a request whose signer set no early end: kept back, it could be sent years later."""
    proof = document.get("proof")
    ends = proof.get("expires") if isinstance(proof, dict) else None
    if ends is None or timestamp.parse(ends, path="/proof/expires") > at + PROMPT + skew:
        raise _refused(f"a request ends {PROMPT} after it was signed: sign it with expires")


def _did(who: object) -> str:
    if isinstance(who, Identity):
        return str(who.did)
    return str(who if isinstance(who, DID) else parse(who))


def _refused(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_OPTIONS)
