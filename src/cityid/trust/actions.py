"""What an entity is recognised to do: one line of an authority's list.

The draft leaves open how a list says *for which type of credential*: its ``outputValidation`` names
schemas that can be judged only with a credential in hand. A line of cityid says it in members of
its own besides: ``credentialType``, ``claim``, ``jurisdiction``. A line that names no type gives no
authority: nobody is recognised for everything by silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from cityid import timestamp
from cityid.credential import Credential
from cityid.errors import Code, InvalidInputError, quote
from cityid.pointer import join
from cityid.report import Outcome, worst
from cityid.schema import Schemas, check_schema

ISSUE: Final = "issue"
"""The action of who may issue credentials."""
RECOGNIZE: Final = "recognize"
"""The action of who may recognise others: the next authority of a chain."""
MOST_FURTHER: Final = 8
"""The most authorities that may follow one whom an authority lets recognise others."""


class Judgement(NamedTuple):
    """What one line says to a question.

    Attributes:
        outcome: PASSED where it recognises, FAILED where it does not, INCONCLUSIVE where nobody
            can tell.
        text: Why not, for people.
    """

    outcome: Outcome
    text: str = ""


class Scope(NamedTuple):
    """What somebody must be recognised for.

    Attributes:
        for_type: The type of credential.
        claims: JSON Pointers to the claims, such as ``/credentialSubject/birthDate``.
        jurisdiction: Where; None for anywhere.
        credential: The credential in hand, by which ``outputValidation`` is judged.
    """

    for_type: str
    claims: tuple[str, ...] = ()
    jurisdiction: str | None = None
    credential: Credential | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizedAction:
    """One entity, and what it is recognised to do.

    Attributes:
        entity: Its DID.
        action: ``issue``, or ``recognize`` others.
        for_type: The type of credential; a line without one recognises nobody for anything.
        claims: JSON Pointers to the claims it may make; empty for all claims of the type.
        jurisdictions: Where; empty for anywhere.
        valid_from: From when on; None for as long as the list is in force.
        valid_until: Until before when.
        further: How many authorities may follow this one in a chain; for ``recognize``.
        output: Schemas that what it issues must fit: objects with ``id`` and ``type``.

    Spec:
        https://www.w3.org/TR/vc-recognized-entities-1.0/#recognizedaction
    """

    entity: str
    action: str = ISSUE
    for_type: str | None = None
    claims: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    further: int = 0
    output: tuple[Mapping[str, Any], ...] = ()

    def judge(self, asked: Scope, *, at: datetime, schemas: Schemas) -> Judgement:
        """Return what the line says to a question about its own entity and action.

        Args:
            asked: What the entity must be recognised for.
            at: When.
            schemas: The schemas at hand.
        """
        text = self._out_of_time(at) or self._out_of_scope(asked)
        if text:
            return Judgement(Outcome.FAILED, text)
        return self._judge_output(asked, schemas) if self.output else Judgement(Outcome.PASSED)

    def in_time(self, at: datetime) -> bool:
        """Tell whether the line is in force at a time."""
        return not self._out_of_time(at)

    def same_scope(self, other: RecognizedAction) -> bool:
        """Tell whether another line is about the same, whenever and however far it reaches."""
        return _scope(self) == _scope(other)

    def to_dict(self, authority: str) -> dict[str, Any]:
        """Return the line as the ``RecognizedAction`` of a list.

        Args:
            authority: The DID of who recognises.
        """
        times = {"validFrom": self.valid_from, "validUntil": self.valid_until}
        optional: dict[str, Any] = {
            "credentialType": self.for_type,
            "claim": list(self.claims),
            "jurisdiction": list(self.jurisdictions),
            "outputValidation": [dict(entry) for entry in self.output],
            "furtherAuthorities": self.further,
        } | {name: moment and timestamp.write(moment) for name, moment in times.items()}
        return {
            "type": "RecognizedAction",
            "action": self.action,
            "recognizedBy": authority,
            **{name: value for name, value in optional.items() if value},
        }

    def _out_of_time(self, at: datetime) -> str:
        if self.valid_from is not None and at < self.valid_from:
            return f"it is recognised only from {timestamp.write(self.valid_from)} on"
        if self.valid_until is not None and at >= self.valid_until:
            return f"its recognition ended at {timestamp.write(self.valid_until)}"
        return ""

    def _out_of_scope(self, asked: Scope) -> str:
        if self.for_type != asked.for_type:
            return f"it is recognised for another type than {quote(asked.for_type)}"
        if self.jurisdictions and asked.jurisdiction not in self.jurisdictions:
            where = "elsewhere" if asked.jurisdiction is None else quote(asked.jurisdiction)
            places = ", ".join(map(quote, self.jurisdictions[:3]))
            return f"it is recognised in {places}, and not {where}"
        own = frozenset(self.claims)
        for claim in asked.claims if own else ():
            if not _covered(claim, own):
                return f"it is not recognised for the claim {quote(claim)}"
        return ""

    def _judge_output(self, asked: Scope, schemas: Schemas) -> Judgement:
        """Hold the credential to every schema of ``outputValidation``."""
        if asked.credential is None:
            text = "it is recognised for what fits a schema, and there is no credential to look at"
            return Judgement(Outcome.INCONCLUSIVE, text)
        document = asked.credential.document
        checks = [check_schema(document, entry, schemas) for entry in self.output]
        problem = next((check.problem for check in checks if check.problem is not None), None)
        return Judgement(worst(c.outcome for c in checks), "" if problem is None else problem.title)


def _covered(claim: str, own: frozenset[str]) -> bool:
    """Tell whether a claim, or something that it is a part of, is among others."""
    while claim and claim not in own:
        claim = claim.rpartition("/")[0]
    return bool(claim)


def _scope(line: RecognizedAction) -> tuple[object, ...]:
    places = frozenset(line.jurisdictions)
    return line.entity, line.action, line.for_type, frozenset(line.claims), places


def read_actions(subjects: Iterable[Mapping[str, Any]]) -> tuple[RecognizedAction, ...]:
    """Return the lines of a list that its authority signed.

    Args:
        subjects: The ``credentialSubject`` of the list.

    Raises:
        InvalidInputError: A line cannot be understood; the path says which.

    Spec:
        https://www.w3.org/TR/vc-recognized-entities-1.0/#recognizedentity
    """
    return tuple(
        line
        for index, subject in enumerate(subjects)
        for line in _lines(subject, join("", "credentialSubject", index))
    )


def _lines(subject: Mapping[str, Any], path: str) -> Iterator[RecognizedAction]:
    given = subject.get("recognizedTo", [])
    for index, action in enumerate(given if isinstance(given, list) else [given]):
        place = join(path, "recognizedTo", index)
        entity = subject.get("id")
        if not isinstance(action, dict) or not isinstance(entity, str):
            raise InvalidInputError("an action is an object, of an entity with an id", path=place)
        yield RecognizedAction(
            entity=entity,
            action=_text(action, "action", place) or "",
            for_type=_text(action, "credentialType", place),
            claims=_texts(action, "claim", place),
            jurisdictions=_texts(action, "jurisdiction", place),
            valid_from=_moment(action, "validFrom", place),
            valid_until=_moment(action, "validUntil", place),
            further=_count(action, place),
            output=_schemas(action, place),
        )


def _text(action: Mapping[str, Any], name: str, path: str) -> str | None:
    value = action.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidInputError(f"{name} is a text", path=join(path, name))


def _texts(action: Mapping[str, Any], name: str, path: str) -> tuple[str, ...]:
    value = action.get(name, [])
    values = value if isinstance(value, list) else [value]
    if (name in action and not values) or not all(isinstance(each, str) for each in values):
        raise InvalidInputError(f"{name} is one text or several", path=join(path, name))
    return tuple(values)


def _moment(action: Mapping[str, Any], name: str, path: str) -> datetime | None:
    return timestamp.parse(action[name], path=join(path, name)) if name in action else None


def _count(action: Mapping[str, Any], path: str) -> int:
    value = action.get("furtherAuthorities", 0)
    if type(value) is int and 0 <= value <= MOST_FURTHER:
        return value
    raise InvalidInputError(
        f"furtherAuthorities is a number from 0 to {MOST_FURTHER}",
        path=join(path, "furtherAuthorities"),
    )


def _schemas(action: Mapping[str, Any], path: str) -> tuple[Mapping[str, Any], ...]:
    value = action.get("outputValidation", [])
    values = value if isinstance(value, list) else [value]
    if all(isinstance(each, dict) for each in values):
        return tuple(values)
    raise InvalidInputError(
        "outputValidation holds objects with id and type", path=join(path, "outputValidation")
    )


def claims_of(credential: Credential) -> tuple[str, ...]:
    """Return JSON Pointers to every claim that a credential makes, as recognitions name them.

    The places of lists are left out: ``/credentialSubject/address/city`` wherever the city stands.
    The names ``id`` and ``type`` of the subject claim nothing, and neither does what the data model
    itself lets a credential say beside its subject; any other member does.

    Args:
        credential: The credential.
    """
    beside = (name for name in credential.document if name not in _DATA_MODEL)
    found = {join("", name): None for name in beside}
    for subject in credential.subjects:
        claims = {name: value for name, value in subject.items() if name not in {"id", "type"}}
        found.update(dict.fromkeys(_leaves(claims, "/credentialSubject")))
    return tuple(found)


_DATA_MODEL: Final = frozenset(
    {"@context", "id", "type", "name", "description", "issuer", "credentialSubject", "proof"}
    | {"validFrom", "validUntil", "issuanceDate", "expirationDate", "credentialStatus"}
    | {"credentialSchema", "refreshService", "termsOfUse", "evidence", "relatedResource"}
)


def _leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _leaves(member, join(path, name))
    elif isinstance(value, list) and value:
        for item in value:
            yield from _leaves(item, path)
    else:
        yield path


def demand_line(line: RecognizedAction) -> RecognizedAction:
    """Return a line that is to be published, after a look at what it says.

    Args:
        line: The line.

    Raises:
        InvalidInputError: It names no type, a claim by no JSON Pointer, an action that is neither
            ``issue`` nor ``recognize``, a reach that is none, or a time that ends before it begins.
    """
    for told in _faults(line):
        raise InvalidInputError(told, code=Code.INVALID_OPTIONS)
    return line


def _faults(line: RecognizedAction) -> Iterator[str]:
    values: tuple[object, ...] = (line.for_type, *line.claims, *line.jurisdictions)
    if not all(isinstance(value, str) and value for value in values):
        yield "for_type=, claims= and jurisdiction= take texts; name the type that it is about"
    if line.action not in {ISSUE, RECOGNIZE}:
        yield f"an entity is recognised to issue or to recognize, not to {quote(line.action)}"
    for claim in line.claims:
        if not str(claim).startswith("/credentialSubject/"):
            yield f"a claim is a JSON Pointer such as /credentialSubject/name, not {quote(claim)}"
    start, end = line.valid_from, line.valid_until
    if start is not None and end is not None and end <= start:
        yield "the recognition would end before it begins"
    if not 0 <= line.further <= (MOST_FURTHER if line.action == RECOGNIZE else 0):
        yield f"further= is 0 to {MOST_FURTHER}, and for the action recognize alone"
