"""The list of an authority: a signed credential, one version a record of the authority's log.

Anybody may write to a log, so a record counts only when the authority's key signed it, and signed
it for this very place: the list names the log and the version it was written for. What another
wrote there, and an old list written there again, are passed over. A list that cannot be found, that
is out of date or cannot be understood is told as such, and is never an empty one.

Spec:
    https://www.w3.org/TR/vc-recognized-entities-1.0/#recognizedentitycredential
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from cityid import timestamp
from cityid.canonical import CONTEXTS, Contexts
from cityid.credential import Credential
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite
from cityid.did import Resolver
from cityid.errors import CityIdError, Code, RegistryError, quote
from cityid.registry import Record, Registry
from cityid.report import Check, Outcome
from cityid.securing import CLOCK_SKEW
from cityid.trust.actions import RecognizedAction, read_actions
from cityid.trust.cache import ListCache
from cityid.verification import CredentialFindings, verify_credential

LIST_TYPE: Final = "RecognizedEntityCredential"
MOST_RECORDS: Final = 256
"""How many records of a log are looked at, from the last one down, to find the authority's own."""
MOST_FORGERIES: Final = 8
"""How many records that claim to be the authority's, and are not, are put up with."""
_WINDOW: Final = 16
_TIMELY: Final = frozenset(
    {Code.KEY_EXPIRED, Code.KEY_REVOKED, Code.PROOF_EXPIRED, Code.PROOF_NOT_YET_VALID}
)


def list_id(authority: str) -> str:
    """Return the id of an authority's list, which is also the name of its log.

    Args:
        authority: The authority's DID.
    """
    return f"{authority}/recognized-entities"


@dataclass(frozen=True, slots=True)
class RecognitionList:
    """One version of an authority's list, verified.

    Attributes:
        authority: The DID of who recognises.
        version: The version in the registry's log, which the authority signed.
        actions: Who is recognised to do what.
        credential: The list as it was signed.
        recorded_at: When the registry accepted it.
        digest: SHA-256 of the record, in hexadecimal.
    """

    authority: str
    version: int
    actions: tuple[RecognizedAction, ...]
    credential: Credential
    recorded_at: datetime
    digest: str

    def age(self, at: datetime) -> timedelta:
        """Return how long ago the authority signed it."""
        signed = self.credential.valid_from
        return at - (self.recorded_at if signed is None else signed)

    def to_dict(self) -> dict[str, Any]:
        """Return what there is to know about the list as JSON, without the list."""
        return {
            "id": list_id(self.authority),
            "version": self.version,
            "recordedAt": self.recorded_at.isoformat(),
            "sha256": self.digest,
        }

    def _repr_html_(self) -> str:
        from cityid import display

        rows = [
            (a.entity, a.action, a.for_type or "", ", ".join(a.jurisdictions) or "anywhere")
            for a in self.actions
        ]
        facts = [("authority", self.authority), ("version", self.version)]
        table = display.rows_table(("entity", "is recognised to", "for the type", "in"), rows)
        return display.card("Recognised entities", facts, body=table)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads lists as they were at one time; what it needs for that, bound once.

    Attributes:
        ledger: The registry; None where there is none.
        resolver: Finds the keys of authorities.
        at: The time of judgement.
        contexts: The JSON-LD contexts that are admitted.
        suites: The cryptosuites there are.
        skew: How far the clocks of authority and verifier may differ.
        latest: Whether the last record counts in any case, though the registry's clock be ahead
            of `at`: where the time of judgement is now.
        cache: Lists that were verified a moment ago, by the same resolver, contexts and suites.
    """

    ledger: Registry | None
    resolver: Resolver
    at: datetime
    contexts: Contexts = CONTEXTS
    suites: Mapping[str, Cryptosuite] = field(default_factory=lambda: CRYPTOSUITES)
    skew: timedelta = CLOCK_SKEW
    latest: bool = False
    cache: ListCache | None = None

    def read(self, authority: str) -> RecognitionList:
        """Return the list that was the authority's last at the time of judgement.

        Args:
            authority: The authority's DID.

        Raises:
            RegistryError: There is none, it is out of date, it cannot be read or understood
                (``TRUST_LIST_UNAVAILABLE``).
        """
        if self.ledger is None:
            raise unavailable("there is no registry to read lists in; pass registry=")
        name = list_id(authority)
        try:
            found = self.last(authority, self._version(self.ledger, name))
        except CityIdError as error:
            if error.code is Code.TRUST_LIST_UNAVAILABLE:
                raise
            raise unavailable(f"the list {quote(name, 200)} cannot be read: {error}") from error
        if found is None:
            raise unavailable(f"the registry has no list of the authority {quote(authority, 120)}")
        return found

    def last(
        self, authority: str, version: int, *, in_force: bool = True
    ) -> RecognitionList | None:
        """Go down from a version to the first list that the authority itself wrote there.

        Args:
            authority: The authority's DID.
            version: The version to begin with.
            in_force: Whether it must be in force at the time of judgement.

        Returns:
            The list; None where nothing in the log even claims to be one.

        Raises:
            CityIdError: The list cannot be judged, used or understood.
        """
        forged = 0
        for record in () if self.ledger is None else _downwards(self.ledger, authority, version):
            if kept := self.cache and self.cache.verified(record, self.at):
                return kept
            credential = _claimed(record, authority)
            if credential is None:
                continue
            findings = self._findings(credential, record.recorded_at)
            if _is_own(findings):
                _demand_usable(findings, in_force=in_force)
                found = listed(record, credential, authority)
                if self.cache is not None:
                    self.cache.keep(record, self.at, found)
                return found
            forged += 1
            if forged == MOST_FORGERIES:
                break
        if forged or version > MOST_RECORDS:
            whose = quote(authority, 120)
            raise unavailable(f"no list that {whose} signed was found; {forged} entries are forged")
        return None

    def _version(self, ledger: Registry, log: str) -> int:
        """Return the version of a log that was the last at the time of judgement, 0 for none."""
        head = ledger.head(log)
        if head is None:
            return 0
        if self.latest or head.recorded_at <= self.at:
            return head.version
        return _version_at(ledger, log, head.version - 1, self.at)

    def _findings(self, credential: Credential, recorded: datetime) -> CredentialFindings:
        """Verify a list; the record is evidence that a key signed it before it was rotated out."""
        return verify_credential(
            credential,
            resolver=self.resolver,
            contexts=self.contexts,
            at=self.at,
            recorded=recorded if recorded <= self.at else None,
            suites=self.suites,
            skew=self.skew,
        )


def unavailable(message: str) -> RegistryError:
    """Return the error of a list that cannot be had, so that it cannot be taken for an empty one.

    Args:
        message: Why not.
    """
    return RegistryError(message, code=Code.TRUST_LIST_UNAVAILABLE)


def demand_fresh(found: RecognitionList, max_age: timedelta | None, at: datetime) -> None:
    """Refuse a list that was signed too long ago.

    Args:
        found: The list.
        max_age: How long ago it may have been signed; None for any time.
        at: The time of judgement.

    Raises:
        RegistryError: It was signed longer ago.
    """
    if max_age is not None and found.age(at) > max_age:
        raise unavailable(
            f"the list of {quote(found.authority, 100)} is {found.age(at)} old, and {max_age} is "
            "the most that is allowed"
        )


def listed(record: Record, credential: Credential, authority: str) -> RecognitionList:
    """Return a record of which is known that the authority signed it.

    Args:
        record: The record.
        credential: What is in it.
        authority: The authority's DID.

    Raises:
        InvalidInputError: The authority signed what cannot be understood.
    """
    return RecognitionList(
        authority,
        record.version,
        read_actions(credential.subjects),
        credential,
        record.recorded_at,
        hashlib.sha256(record.data).hexdigest(),
    )


def _version_at(ledger: Registry, log: str, high: int, at: datetime) -> int:
    """Return the last version that was recorded by then, 0 for none: registry time never goes back.

    Args:
        ledger: The registry.
        log: The log's name.
        high: The version to look no further than.
        at: The time.
    """
    low = 0
    while low < high:
        middle = (low + high + 1) // 2
        record = ledger.read(log, after=middle - 1, limit=1)[0]
        low, high = (middle, high) if record.recorded_at <= at else (low, middle - 1)
    return low


def _downwards(ledger: Registry, authority: str, last: int) -> Iterator[Record]:
    """Yield records from a version down, a few at a time and not without end."""
    log = list_id(authority)
    lowest = max(0, last - MOST_RECORDS)
    window = 1  # mostly the last one is the authority's own, and lists are long
    while last > lowest:
        start = max(lowest, last - window)
        yield from reversed(ledger.read(log, after=start, limit=last - start))
        last, window = start, _WINDOW


def _claimed(record: Record, authority: str) -> Credential | None:
    """Return the credential of a record that claims to be the authority's list for this place."""
    try:
        credential = Credential.of(record.data)
    except CityIdError:
        return None
    document, proof = credential.document, credential.document.get("proof")
    claims_it = (
        LIST_TYPE in credential.types
        and credential.id == record.log
        and credential.issuer == authority
        and document.get("listVersion") == record.version
        and type(document["listVersion"]) is int
        and isinstance(proof, dict)
        and str(proof.get("verificationMethod")).partition("#")[0] == authority
    )
    return credential if claims_it else None


def _is_own(findings: CredentialFindings) -> bool:
    """Tell whether the authority signed a list; what cannot be told is not taken for a forgery.

    Raises:
        RegistryError: Nobody can tell, or the authority signed with a key or a proof that has run
            out: an older list must not take the place of such a one.
    """
    proof = next(check for check in findings.report if check.name == "proof")
    code = None if proof.problem is None else proof.problem.code
    if proof.outcome is Outcome.INCONCLUSIVE or code in _TIMELY:
        raise unavailable(f"the signature of a list cannot be judged: {_reason(proof)}")
    return findings.proof_valid and findings.report.outcome("issuer_binding") is Outcome.PASSED


def _demand_usable(findings: CredentialFindings, *, in_force: bool) -> None:
    if "credentialStatus" in findings.credential.document:
        raise unavailable("the authority's list has a status of its own, which nobody looks up")
    for check in findings.report:
        if check.problem is not None and (in_force or check.name != "validity"):
            raise unavailable(f"the authority's list cannot be used: {_reason(check)}")


def _reason(check: Check) -> str:
    return "" if check.problem is None else check.problem.title


def read_list(
    ledger: Registry,
    resolver: Resolver,
    authority: str,
    *,
    at: datetime,
    contexts: Contexts = CONTEXTS,
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES,
    skew: timedelta = CLOCK_SKEW,
) -> RecognitionList:
    """Return the list of an authority as it was at a time, verified.

    Args:
        ledger: The registry.
        resolver: Finds the authority's keys.
        authority: The authority's DID.
        at: The time.
        contexts: The JSON-LD contexts that are admitted.
        suites: The cryptosuites there are.
        skew: How far the clocks of authority and reader may differ.

    Raises:
        RegistryError: The list cannot be had (``TRUST_LIST_UNAVAILABLE``).
        InvalidInputError: `at` is naive, or `authority` is no DID.
    """
    reader = Reader(
        ledger=ledger,
        resolver=resolver,
        at=timestamp.aware(at),
        contexts=contexts,
        suites=suites,
        skew=skew,
    )
    return reader.read(authority)
