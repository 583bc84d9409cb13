"""The check ``status``: what the lists that a credential names say of it.

A status that cannot be read is INCONCLUSIVE and never passes. The credential is to be verified
first, and its issuer believed: a stranger's document makes nobody look anything up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cityid import timestamp
from cityid.credential import Credential
from cityid.errors import Code, InvalidInputError, quote
from cityid.report import Check, Outcome, Problem
from cityid.status.bitstring import ENTRY, Entry, read_entry
from cityid.status.sources import Loaded, Snapshot, Source

MOST_STATUSES = 8
"""The most statuses of one credential that are looked up."""

_MEMBER = "credentialStatus"
_SET: Mapping[str, tuple[Code, str]] = {
    "revocation": (Code.CREDENTIAL_REVOKED, "revoked"),
    "suspension": (Code.CREDENTIAL_SUSPENDED, "suspended"),
}
_ENTRIES = (ENTRY, [ENTRY])
_WORDS = {
    Source.REGISTRY: "registry",
    Source.STAPLED: "copy brought along",
    Source.WEB: "web",
}
_TELLING = frozenset({"message", "refresh"})


class Finding(NamedTuple):
    """What a list says of a credential.

    Attributes:
        purpose: What the status is about: ``revocation``, ``suspension``, ``message`` …
        value: The status; 0 where nothing was set.
        message: What the value means, in the issuer's words; not made for citizens.
        url: The list's URL.
        source: Where the list came from.
        digest: The SHA-256 of the list: it names the state that was judged by.
        version: The list's version in the registry; None elsewhere.
        signed: When the issuer made the list.
        age: How long before the time of judgement that was.
        path: JSON Pointer to the entry in the credential.
    """

    purpose: str
    value: int
    message: str
    url: str
    source: Source
    digest: bytes
    version: int | None
    signed: datetime | None
    age: timedelta | None
    path: str

    def told(self) -> str:
        """Return the finding as text for a person: what it says, as of when, and from where."""
        when = "at a time unknown" if self.signed is None else f"at {timestamp.write(self.signed)}"
        return f"{self.purpose}: {self.message}; list signed {when}, from the {_WORDS[self.source]}"

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON; without the place in the list, which names the credential."""
        row = {
            "path": self.path,
            "purpose": self.purpose,
            "value": self.value,
            "message": self.message,
            "list": self.url,
            "source": self.source.value,
            "digest": self.digest.hex(),
            "version": self.version,
            "signed": None if self.signed is None else timestamp.write(self.signed),
            "ageSeconds": None if self.age is None else int(self.age.total_seconds()),
        }
        return {name: value for name, value in row.items() if value is not None}


class StatusFindings(NamedTuple):
    """What came out for one credential.

    Attributes:
        checks: The checks ``status``, one an entry; one SKIPPED where there is none.
        found: What the lists that could be read say.
    """

    checks: tuple[Check, ...]
    found: tuple[Finding, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The gravest outcome of the checks."""
        return min((check.outcome for check in self.checks), key=_GRAVEST_FIRST.index)


_GRAVEST_FIRST = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED, Outcome.SKIPPED)


def check(credential: Credential, snapshot: Snapshot) -> StatusFindings:
    """Look up every status of a credential.

    Args:
        credential: A credential that was verified, of an issuer who is believed.
        snapshot: The state of the lists; one for a whole decision.

    Spec:
        https://www.w3.org/TR/vc-bitstring-status-list/#validate-algorithm
    """
    declared = credential.document.get(_MEMBER)
    if type(declared) is dict:
        one, found = _checked(declared, f"/{_MEMBER}", credential.issuer, snapshot)
        return StatusFindings((one,), () if found is None else (found,))
    statuses = credential.statuses
    if not statuses:
        return _NONE
    if len(statuses) > MOST_STATUSES:
        text = f"the credential has more than {MOST_STATUSES} statuses"
        problem = Problem(Code.COMPLEXITY_LIMIT_EXCEEDED, text, path=f"/{_MEMBER}")
        return StatusFindings((Check.inconclusive("status", problem),))
    pairs = [
        _checked(status, f"/{_MEMBER}/{place}", credential.issuer, snapshot)
        for place, status in enumerate(statuses)
    ]
    return StatusFindings(
        tuple(one for one, _ in pairs), tuple(found for _, found in pairs if found is not None)
    )


_NONE = StatusFindings((Check.skipped("status"),))
_PASSED = {
    path: Check.passed("status", path)
    for path in (f"/{_MEMBER}", *(f"/{_MEMBER}/{place}" for place in range(MOST_STATUSES)))
}


def _checked(
    document: Mapping[str, Any], path: str, issuer: str | None, snapshot: Snapshot
) -> tuple[Check, Finding | None]:
    if document.get("type") not in _ENTRIES:
        text = f"statuses of type {quote(document.get('type'))} cannot be checked"
        return _open(Problem(Code.STATUS_NOT_CHECKED, text, path=f"{path}/type"), path), None
    try:
        entry = read_entry(document, path)
    except InvalidInputError as error:
        return Check.failed("status", _told(error, error.path), path), None
    return _looked_up(entry, path, issuer, snapshot)


def _looked_up(
    entry: Entry, path: str, issuer: str | None, snapshot: Snapshot
) -> tuple[Check, Finding | None]:
    loaded = snapshot.load(entry.url)
    if isinstance(loaded, Problem):
        title, detail = loaded.title, loaded.detail
        return _open(Problem(loaded.code, title, detail, path), path), None
    listed = loaded.list
    if listed.issuer != issuer and not _may_speak(listed.issuer, entry.url, snapshot):
        text = f"the status list is of {quote(listed.issuer, 120)}, not of the credential's issuer"
        return _open(Problem(Code.STATUS_VERIFICATION_ERROR, text, path=path), path), None
    try:
        value = listed.value(entry)
    except InvalidInputError as error:
        problem = _told(error, path)
        if error.code is Code.RANGE_ERROR:
            return Check.failed("status", problem, path), None
        return _open(problem, path), None
    return _meant(entry, value, path), _finding(entry, value, loaded, snapshot.at, path)


def _open(problem: Problem, path: str) -> Check:
    return Check.inconclusive("status", problem, path)


def _told(error: InvalidInputError, path: str) -> Problem:
    text = str(error).removesuffix(f" (at {error.path})")
    return Problem(error.code, text, path=path)


def _may_speak(lister: str | None, url: str, snapshot: Snapshot) -> bool:
    """Tell whether the issuer of a list may speak of somebody else's credential.

    It may where the credential names it: the list's URL, which the credential's issuer signed,
    is a DID URL of the list's issuer. Or where the verifier accepts it for all.
    """
    if lister is None:
        return False
    named = lister.startswith("did:") and url.startswith(tuple(f"{lister}{c}" for c in "/?#"))
    return named or lister in snapshot.judge.accepted


def _meant(entry: Entry, value: int, path: str) -> Check:
    if value == 0 or entry.purpose in _TELLING:
        return _PASSED[path]
    if entry.purpose in _SET:
        code, word = _SET[entry.purpose]
        problem = Problem(code, f"the credential is {word}", path=path)
        return Check.failed("status", problem, path)
    text = f"a status for {quote(entry.purpose)} is set, and nobody here knows what that means"
    return _open(Problem(Code.STATUS_NOT_CHECKED, text, path=f"{path}/statusPurpose"), path)


def _finding(entry: Entry, value: int, loaded: Loaded, at: datetime, path: str) -> Finding:
    signed = loaded.list.valid_from
    return Finding(
        entry.purpose,
        value,
        entry.message(value),
        entry.url,
        loaded.source,
        loaded.digest,
        loaded.version,
        signed,
        None if signed is None else at - signed,
        path,
    )


def recheck(
    judged: Iterable[tuple[Credential, Iterable[Finding]]], snapshot: Snapshot
) -> StatusFindings:
    """Look again before acting on a decision: does every status still say the same?

    Args:
        judged: The credentials, with what was found when the decision was made.
        snapshot: A fresh snapshot.

    Returns:
        The check ``status`` for each credential: FAILED with STATUS_CHANGED where a status has
        changed since, INCONCLUSIVE where it cannot be read any more.
    """
    checks: list[Check] = []
    found: list[Finding] = []
    for credential, before in judged:
        now = check(credential, snapshot)
        unread = [one for one in now.checks if one.outcome is Outcome.INCONCLUSIVE]
        if [_said(one) for one in now.found] != [_said(one) for one in before] and not unread:
            text = "a status has changed since the decision was made"
            problem = Problem(Code.STATUS_CHANGED, text, path=f"/{_MEMBER}")
            checks.append(Check.failed("status", problem))
        else:
            checks += unread or now.checks
        found += now.found
    return StatusFindings(tuple(checks) or _NONE.checks, tuple(found))


def _said(finding: Finding) -> tuple[str, int]:
    return finding.path, finding.value
