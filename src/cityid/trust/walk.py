"""Is an issuer recognised: a walk from an authority, list by list, to whoever issued.

The answer has three values. PASSED: there is a path of lists, each signed by who is recognised by
the one before. FAILED: all lists that count were read, and there is no path. INCONCLUSIVE: a list
on the way cannot be had, and it could have held one. A walk never goes round in circles, and is
bounded in length by the authorities themselves, by the one who asks, and by the number of lists.

Spec:
    https://www.w3.org/TR/vc-recognized-entities-1.0/#credential-based-discovery
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from cityid import timestamp
from cityid.canonical import CONTEXTS, Contexts
from cityid.credential import Credential
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite
from cityid.did import Resolver
from cityid.errors import CityIdError, Code, InvalidInputError, RegistryError, quote
from cityid.registry import Registry
from cityid.report import Outcome, Problem
from cityid.schema import SCHEMAS, Schemas
from cityid.securing import CLOCK_SKEW
from cityid.trust.actions import (
    ISSUE,
    MOST_FURTHER,
    RECOGNIZE,
    RecognizedAction,
    Scope,
    claims_of,
)
from cityid.trust.lists import Reader, RecognitionList, demand_fresh

DEPTH: Final = 4
"""How many authorities a path may have, where the one who asks says nothing else."""
MOST_LISTS: Final = 64
"""How many lists one question may read."""
_ANY_TYPE: Final = "VerifiableCredential"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a policy asks whether an issuer is recognised, and for what.

    Attributes:
        authority: The DID of the authority that is believed.
        for_type: The type of credential.
        jurisdiction: Where; None for anywhere.
        max_age: How long ago each list of the path may have been signed; None for as long as it
            is in force.
        depth: How many authorities the path may have, the first one among them.
    """

    authority: str
    for_type: str
    jurisdiction: str | None = None
    max_age: timedelta | None = None
    depth: int = DEPTH

    def __post_init__(self) -> None:
        if type(self.depth) is not int or not 1 <= self.depth <= MOST_FURTHER + 1:
            raise InvalidInputError(
                f"a path has 1 to {MOST_FURTHER + 1} authorities, not {quote(self.depth)}",
                code=Code.INVALID_OPTIONS,
            )


@dataclass(frozen=True, slots=True)
class ListVersion:
    """A version of a list that was seen: what must not be undone, nor be two things.

    Attributes:
        authority: The DID of whose list it is.
        version: The version.
        digest: SHA-256 of its record, in hexadecimal.
    """

    authority: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Recognition:
    """Whether an issuer is recognised, and through whom.

    Attributes:
        outcome: PASSED, FAILED or INCONCLUSIVE.
        asked: What was asked.
        issuer: About whom.
        at: As of when.
        path: The DIDs from the authority that was asked to the issuer; empty unless PASSED.
        lists: The lists that were read.
        problem: Why not, unless PASSED.
    """

    outcome: Outcome
    asked: Asked
    issuer: str
    at: datetime
    path: tuple[str, ...] = ()
    lists: tuple[RecognitionList, ...] = ()
    problem: Problem | None = None

    def __bool__(self) -> bool:
        return self.outcome is Outcome.PASSED

    @property
    def versions(self) -> tuple[ListVersion, ...]:
        """What to remember, and to pass as ``known=`` the next time."""
        return tuple(ListVersion(each.authority, each.version, each.digest) for each in self.lists)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON."""
        told: dict[str, Any] = {
            "outcome": self.outcome.value,
            "authority": self.asked.authority,
            "issuer": self.issuer,
            "type": self.asked.for_type,
            "jurisdiction": self.asked.jurisdiction,
            "at": self.at.isoformat(),
            "path": list(self.path),
            "lists": [each.to_dict() for each in self.lists],
        }
        return told if self.problem is None else {**told, "problem": self.problem.to_dict()}

    def _repr_html_(self) -> str:
        from cityid.trust.picture import card

        return card(self)


class _Step(NamedTuple):
    """An authority that was reached: through whom, and how many more may follow it."""

    path: tuple[str, ...]
    further: int


@dataclass(frozen=True, kw_only=True)
class Recogniser:
    """Answers questions about recognition from one snapshot: each list is read once.

    Attributes:
        reader: Reads the lists as they were at the time of judgement.
        schemas: The schemas at hand, for ``outputValidation``.
        known: List versions that were seen before; an older one, or another in its place, is
            not believed.
    """

    reader: Reader
    schemas: Schemas = SCHEMAS
    known: Mapping[str, ListVersion] = field(default_factory=dict)
    _lists: dict[str, RecognitionList | CityIdError] = field(
        default_factory=dict, init=False, repr=False
    )
    _answers: dict[tuple[Asked, int], tuple[Credential, Recognition]] = field(
        default_factory=dict, init=False, repr=False
    )

    def of_credential(self, asked: Asked, credential: Credential) -> Recognition:
        """Return whether a credential's issuer is recognised for what the credential claims.

        It must be for every type that the credential bears: who is recognised for library cards
        makes no passport by writing both types into one.

        Args:
            asked: The authority and the type.
            credential: An authenticated credential.
        """
        key = (asked, id(credential))  # kept alive beside its answer, so that no other gets its id
        if key not in self._answers:
            self._answers[key] = credential, self._of_every_type(asked, credential)
        return self._answers[key][1]

    def _of_every_type(self, asked: Asked, credential: Credential) -> Recognition:
        claims = claims_of(credential)

        def of(for_type: str) -> Recognition:
            scope = Scope(for_type, claims, asked.jurisdiction, credential)
            return self.ask(replace(asked, for_type=for_type), credential.issuer or "", scope)

        found = of(asked.for_type)
        for other in credential.types if found else ():
            if other not in {asked.for_type, _ANY_TYPE} and not (also := of(other)):
                return replace(also, asked=asked)
        return found

    def ask(self, asked: Asked, issuer: str, scope: Scope, *, action: str = ISSUE) -> Recognition:
        """Return whether an issuer is recognised.

        Args:
            asked: The authority and the type.
            issuer: The issuer's DID.
            scope: What it must be recognised for.
            action: To do what: ``issue``, or ``recognize`` others.
        """
        walk = _Walk(self, asked, issuer, scope, action)
        path = walk.path()
        lists = tuple(walk.lists)
        if path:
            return Recognition(Outcome.PASSED, asked, issuer, self.reader.at, path, lists)
        outcome = Outcome.INCONCLUSIVE if walk.open else Outcome.FAILED
        problem = walk.open[0] if walk.open else _denial(asked, walk.refusals)
        return Recognition(outcome, asked, issuer, self.reader.at, (), lists, problem)

    def list_of(self, authority: str, max_age: timedelta | None) -> RecognitionList:
        """Return an authority's list, read once.

        Raises:
            RegistryError: It cannot be had, or is older than it may be or than one seen before.
        """
        if authority not in self._lists:
            try:
                self._lists[authority] = self.reader.read(authority)
            except CityIdError as error:
                self._lists[authority] = error
        found = self._lists[authority]
        if isinstance(found, CityIdError):
            raise found
        _demand_consistent(found, self.known.get(authority))
        demand_fresh(found, max_age, self.reader.at)
        return found


class _Walk:
    """One breadth-first walk through the lists."""

    def __init__(
        self, recogniser: Recogniser, asked: Asked, issuer: str, scope: Scope, action: str
    ) -> None:
        self._action = action
        self._recogniser = recogniser
        self._asked = asked
        self._issuer = issuer
        self._scope = scope
        self._reach: dict[str, int] = {}
        self.lists: list[RecognitionList] = []
        self.open: list[Problem] = []
        self.refusals: list[str] = []

    def path(self) -> tuple[str, ...]:
        """Return the first of the shortest paths to the issuer; empty where there is none."""
        steps = deque([_Step((self._asked.authority,), self._asked.depth - 1)])
        while steps:
            step = steps.popleft()
            if self._reach.get(step.path[-1], -1) >= step.further:
                continue
            found = self._read(step.path[-1])
            self._reach[step.path[-1]] = step.further
            if found is None:
                continue
            if self._recognises(found, self._issuer):
                return (*step.path, self._issuer)
            steps.extend(self._onwards(found, step))
        return ()

    def _read(self, authority: str) -> RecognitionList | None:
        """Return the list of an authority; what cannot be had leaves the question open."""
        if authority not in self._reach and len(self._reach) >= MOST_LISTS:
            told = f"more than {MOST_LISTS} lists would have to be read"
            self.open.append(Problem(Code.COMPLEXITY_LIMIT_EXCEEDED, told))
            return None
        try:
            found = self._recogniser.list_of(authority, self._asked.max_age)
        except CityIdError as error:
            self.open.append(Problem.from_error(error))
            return None
        if authority not in self._reach:
            self.lists.append(found)
        return found

    def _recognises(self, found: RecognitionList, issuer: str) -> bool:
        for line in found.actions:
            if line.entity == issuer and line.action == self._action and self._holds(line):
                return True
        return False

    def _holds(self, line: RecognizedAction) -> bool:
        """Tell whether a line recognises, and keep why not; what cannot be told stays open."""
        at, schemas = self._recogniser.reader.at, self._recogniser.schemas
        outcome, text = line.judge(self._scope, at=at, schemas=schemas)
        if outcome is Outcome.FAILED and line.entity == self._issuer:
            self.refusals.append(text)
        if outcome is Outcome.INCONCLUSIVE:
            self.open.append(Problem(Code.TRUST_LIST_UNAVAILABLE, text))
        return outcome is Outcome.PASSED

    def _onwards(self, found: RecognitionList, step: _Step) -> Iterator[_Step]:
        """Yield the authorities that this one lets recognise others, as far as it reaches."""
        for line in found.actions:
            if line.action != RECOGNIZE or line.entity in step.path or not self._holds(line):
                continue
            if step.further == 0:
                self.refusals.append("the path to it would have more authorities than are allowed")
            else:
                yield _Step((*step.path, line.entity), min(step.further - 1, line.further))


def _denial(asked: Asked, refusals: list[str]) -> Problem:
    reasons = "; ".join(dict.fromkeys(refusals)) or "it is on no list that counts"
    whose = quote(asked.authority, 100)
    told = f"the issuer is not recognised by {whose} for {quote(asked.for_type)}: {reasons}"
    todo = "the authority must recognise it, or another that it recognises"
    return Problem(Code.ISSUER_NOT_TRUSTED, told, todo, "/issuer")


def _demand_consistent(found: RecognitionList, known: ListVersion | None) -> None:
    """Refuse a list that was rolled back, or that is not what others were shown."""
    if known is None:
        return
    if found.version < known.version:
        raise _inconsistent(
            f"the registry shows version {found.version} of the list of "
            f"{quote(found.authority, 100)}, and version {known.version} was seen before"
        )
    if found.version == known.version and found.digest != known.digest:
        raise _inconsistent(
            f"version {found.version} of the list of {quote(found.authority, 100)} is not the one "
            "that was seen before: the authority or the registry tells two stories"
        )


def _inconsistent(message: str) -> CityIdError:
    return RegistryError(message, code=Code.TRUST_LIST_INCONSISTENT)


def recognition(
    ledger: Registry | None,
    resolver: Resolver,
    *,
    authority: str,
    issuer: str,
    for_type: str,
    claims: Iterable[str] = (),
    jurisdiction: str | None = None,
    max_age: timedelta | None = None,
    depth: int = DEPTH,
    action: str = ISSUE,
    credential: Credential | None = None,
    known: Iterable[ListVersion] = (),
    contexts: Contexts = CONTEXTS,
    schemas: Schemas = SCHEMAS,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    skew: timedelta = CLOCK_SKEW,
    at: datetime | None = None,
) -> Recognition:
    """Ask whether an authority recognises an issuer, itself or through others that it recognises.

    Args:
        ledger: The registry with the lists; None gives INCONCLUSIVE.
        resolver: Finds the authorities' keys.
        authority: The DID of the authority that is believed.
        issuer: The issuer's DID.
        for_type: The type of credential.
        claims: JSON Pointers to the claims it must be recognised for.
        jurisdiction: Where; a recognition that holds in some places alone does not hold
            without one.
        max_age: How long ago each list may have been signed.
        depth: How many authorities the path may have.
        action: To do what: ``issue``, or ``recognize`` others for the type.
        credential: The credential in hand, where a list asks that it fit a schema.
        known: List versions that were seen before (`Recognition.versions`).
        contexts: The JSON-LD contexts that are admitted.
        schemas: The schemas at hand.
        suites: The cryptosuites there are.
        skew: How far clocks may differ.
        at: As of when; now by default.

    Raises:
        InvalidInputError: An argument is malformed.

    Spec:
        https://www.w3.org/TR/vc-recognized-entities-1.0/#credential-based-discovery
    """
    moment = timestamp.aware(at) if at is not None else datetime.now(UTC)
    reader = Reader(
        ledger=ledger,
        resolver=resolver,
        at=moment,
        contexts=contexts,
        suites=suites,
        skew=skew,
        latest=at is None,
    )
    seen = {each.authority: each for each in sorted(known, key=lambda each: each.version)}
    recogniser = Recogniser(reader=reader, schemas=schemas, known=seen)
    asked = Asked(authority, for_type, jurisdiction, max_age, depth)
    scope = Scope(for_type, tuple(claims), jurisdiction, credential)
    return recogniser.ask(asked, issuer, scope, action=action)
