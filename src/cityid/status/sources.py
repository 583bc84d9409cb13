"""Where lists come from: a registry, the presenter, the web; one state for a whole decision."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from cityid.canonical import CONTEXTS, Contexts
from cityid.credential import Credential
from cityid.cryptosuites import CRYPTOSUITES, Cryptosuite
from cityid.did import Fetch, Resolver
from cityid.errors import CityIdError, Code, InvalidInputError, RegistryError
from cityid.registry import Record, Registry
from cityid.report import Problem
from cityid.securing import CLOCK_SKEW
from cityid.status.bitstring import LIST_CREDENTIAL, BitstringList, named_in, read_list
from cityid.status.cache import SHORTEST_TTL, Cache, Fetched, clamped
from cityid.verification import CredentialFindings, verify_credential

Stapled = Credential | Mapping[str, Any] | str | bytes


class Source(StrEnum):
    """Where a list came from."""

    REGISTRY = "registry"
    STAPLED = "stapled"
    WEB = "web"


_WEB = Source.WEB


class Loaded(NamedTuple):
    """A list that was verified.

    Attributes:
        list: The list.
        source: Where it came from.
        digest: The SHA-256 of its bytes: it names this state of the list.
        version: Its version in the registry; None elsewhere.
    """

    list: BitstringList
    source: Source
    digest: bytes
    version: int | None = None


class Judge(NamedTuple):
    """All that lists are found with and judged by.

    Attributes:
        resolver: Finds the keys of the lists' issuers.
        registry: Where lists are published: the log's name is the list's URL.
        stapled: Lists that were brought along.
        fetch: How lists are read from the web; without it no network is reached.
        cache: Lists that were verified a moment ago, by the same resolver, contexts and suites.
        contexts: The JSON-LD contexts that are admitted.
        suites: The cryptosuites there are.
        skew: How far the issuers' clocks may be off.
        accepted: Issuers whose lists count for everybody's credentials.
        max_age: How old a list that was brought along may be; None for what the list says.
    """

    resolver: Resolver
    registry: Registry | None = None
    stapled: tuple[Stapled, ...] = ()
    fetch: Fetch | None = None
    cache: Cache | None = None
    contexts: Contexts = CONTEXTS
    suites: Mapping[str, Cryptosuite] = CRYPTOSUITES
    skew: timedelta = CLOCK_SKEW
    accepted: frozenset[str] = frozenset()
    max_age: timedelta | None = None


class Snapshot:
    """The state of all lists that one decision is judged by: each is looked up once.

    Args:
        judge: What lists are found with and judged by.
        at: The time of judgement.
        latest: Whether a registry is asked for its last record, even if its clock is ahead of
            `at`; else for the state as of `at`.
    """

    def __init__(self, judge: Judge, *, at: datetime, latest: bool = False) -> None:
        self.judge = judge
        self.at = at
        self._latest = latest
        self._loaded: dict[str, Loaded | Problem] = {}

    def bring(self, credentials: Iterable[Stapled]) -> None:
        """Add lists that the presenter brought along.

        Args:
            credentials: The lists; of too many, the first ones count.
        """
        stapled = (*self.judge.stapled, *credentials)[:MOST_STAPLED]
        self.judge = self.judge._replace(stapled=stapled)

    def load(self, url: str) -> Loaded | Problem:
        """Return a list, or why it cannot be had.

        The registry comes first: what it has is the newest. A list that was brought along counts
        where the registry has none or cannot be read; then the web is asked.

        Args:
            url: The list's URL.

        Spec:
            https://www.w3.org/TR/vc-bitstring-status-list/#validate-algorithm
        """
        found = self._loaded.get(url)
        if found is None:
            found = self._loaded[url] = self._load(url)
        return found

    def _load(self, url: str) -> Loaded | Problem:
        told: list[str] = []
        try:
            if (record := self._record(url)) is not None:
                return self._judged(url, record.data, Source.REGISTRY, record)
            told.append(
                "no registry was asked, pass registry=" if self.judge.registry is None else _UNKNOWN
            )
        except CityIdError as error:
            told.append(f"the registry could not be read: {error}")
        for credential in self._stapled(url):
            return self._judged(url, credential, Source.STAPLED)
        told.append("none that is fresh enough was brought along")
        if self.judge.fetch is None or not url.startswith("https:"):
            told.append("the web was not asked")
        else:
            fetched = self._fetched(url, self.judge.fetch)
            if fetched.content is not None:
                return self._remembered(url, fetched, self._judged(url, fetched.content, _WEB))
            told.append(fetched.told)
        text = "the status list cannot be had"
        return Problem(Code.STATUS_RETRIEVAL_ERROR, text, "; ".join(told))

    # --- the registry

    def _record(self, url: str) -> Record | None:
        """Return the record of a log that was the last one at the time of judgement."""
        registry = self.judge.registry
        if registry is None or (head := registry.head(url)) is None:
            return None
        if self._latest or head.recorded_at <= self.at:
            return head
        found, low, high = None, 1, head.version - 1
        while low <= high:
            middle = (low + high) // 2
            records = registry.read(url, after=middle - 1, limit=1)
            if not records:
                raise RegistryError(f"the registry does not give version {middle} of the list")
            if records[0].recorded_at <= self.at:
                found, low = records[0], middle + 1
            else:
                high = middle - 1
        return found

    # --- brought along

    def _stapled(self, url: str) -> Iterator[Credential]:
        """Yield the newest list for a URL that was brought along and is fresh enough, if any."""
        newest: tuple[datetime, Credential] | None = None
        for given in self.judge.stapled:
            try:
                credential = Credential.of(given)
                made = credential.valid_from if credential.id == url else None
            except InvalidInputError:
                continue
            if made is not None and self.at - made <= self._longest(credential):
                newest = max(newest or (made, credential), (made, credential), key=_first)
        if newest is not None:
            yield newest[1]

    def _longest(self, credential: Credential) -> timedelta:
        """Return how old a list may be, by what it says of itself; that is verified afterwards."""
        ttl = credential.subjects[0].get("ttl") if credential.subjects else None
        said = timedelta(milliseconds=ttl) if type(ttl) is int and 0 <= ttl <= _MOST else None
        longest = clamped(said)
        return longest if self.judge.max_age is None else min(longest, self.judge.max_age)

    # --- the web

    def _fetched(self, url: str, fetch: Fetch) -> Fetched:
        cache = self.judge.cache
        if cache is not None and (known := cache.fetched(url, self.at)) is not None:
            return known
        try:
            content, told = fetch(url).content, ""
        except CityIdError as error:
            content, told = None, f"the web gave none: {error}"
        fetched = Fetched(self.at, content, told, SHORTEST_TTL)
        if cache is not None:
            cache.keep_fetched(url, fetched)
        return fetched

    def _remembered(self, url: str, fetched: Fetched, found: Loaded | Problem) -> Loaded | Problem:
        """Let a list that was fetched count for as long as it says itself, from the fetch on."""
        if self.judge.cache is not None and isinstance(found, Loaded):
            fetched = fetched._replace(hold=clamped(found.list.ttl))
            self.judge.cache.keep_fetched(url, fetched)
        return found

    # --- whatever the source

    def _judged(
        self, url: str, given: bytes | Credential, source: Source, record: Record | None = None
    ) -> Loaded | Problem:
        content = given.to_json().encode() if isinstance(given, Credential) else given
        digest = hashlib.sha256(content).digest()
        cache = self.judge.cache
        known = cache.verified(digest, self.at) if cache is not None else None
        try:
            verified = known or self._verified(given, record)
        except CityIdError as error:
            return _unverified(error)
        if verified.url != url:
            return Problem(
                Code.STATUS_VERIFICATION_ERROR,
                "the status list has another id than the URL under which it was found",
            )
        if record is not None and not verified.stands_at(record.version):
            return Problem(
                Code.STATUS_VERIFICATION_ERROR,
                "the status list was signed for another version of its log than the one it is in",
                "somebody wrote an earlier list there again",
            )
        if cache is not None and known is None:
            cache.keep(digest, self.at, verified)
        return Loaded(verified, source, digest, None if record is None else record.version)

    def _verified(self, given: bytes | Credential, record: Record | None) -> BitstringList:
        credential = Credential.of(given)
        findings = self._examined(credential, None)
        if not findings.verified and record is not None and record.recorded_at < self.at:
            # Its key may have gone out of use since: the record shows that it was signed before.
            findings = self._examined(credential, record.recorded_at)
        if not findings.verified:
            told = "; ".join(problem.title for problem in findings.report.errors)
            raise InvalidInputError(told, code=Code.STATUS_VERIFICATION_ERROR)
        if "credentialStatus" in credential.document:
            told = "the status list has a status of its own, which nobody looks up"
            raise InvalidInputError(told, code=Code.STATUS_VERIFICATION_ERROR)
        return read_list(credential)

    def _examined(self, credential: Credential, recorded: datetime | None) -> CredentialFindings:
        return verify_credential(
            credential,
            resolver=self.judge.resolver,
            contexts=self.judge.contexts,
            at=self.at,
            recorded=recorded,
            suites=self.judge.suites,
            skew=self.judge.skew,
        )


_UNKNOWN = "the registry has none as of this time"
_KEPT_CODES = frozenset({Code.STATUS_LIST_LENGTH_ERROR, Code.INPUT_TOO_LARGE})


def _unverified(error: CityIdError) -> Problem:
    code = error.code if error.code in _KEPT_CODES else Code.STATUS_VERIFICATION_ERROR
    return Problem(code, "the status list does not hold", str(error))


_MOST = 10**12


def _first(pair: tuple[datetime, Credential]) -> datetime:
    return pair[0]


MOST_STAPLED = 16
"""The most lists that may be brought along."""


def carried(credentials: Sequence[Credential]) -> tuple[Credential, ...]:
    """Return those credentials of a presentation that are lists which others in it name.

    They are what the others are judged by, and are not presented themselves.

    Args:
        credentials: The credentials of the presentation, in any state.
    """
    lists = [each for each in credentials if LIST_CREDENTIAL in each.types]
    if not lists:
        return ()
    named = named_in(credentials)
    return tuple(each for each in lists if each.id in named)
