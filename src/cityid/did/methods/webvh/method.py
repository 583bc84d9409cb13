"""The method did:webvh: find the log, verify it, answer for one version.

Spec:
    https://identity.foundation/didwebvh/v1.0/#read-resolve
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final

from cityid.did.document import DIDDocument
from cityid.did.fetch import Fetch
from cityid.did.methods.webvh.documents import file_url
from cityid.did.methods.webvh.history import History, verify_log
from cityid.did.methods.webvh.location import place_of
from cityid.did.methods.webvh.sources import (
    LogFiles,
    Source,
    from_files,
    from_registry,
    from_web,
    joined,
    log_name,
)
from cityid.did.resolution import ResolutionOptions, ResolutionResult
from cityid.did.syntax import DID
from cityid.errors import Code, NotFoundError, UnsupportedError
from cityid.registry import Registry
from cityid.registry.base import Clock, now

CACHE_SIZE: Final = 128
"""How many verified logs are kept."""

MAX_KEPT: Final = 65_536
"""The most characters of a log that is kept."""

_Key = tuple[str, tuple[str, ...], str | bytes, str | None]


@dataclass(frozen=True, slots=True)
class WebVH:
    """The method did:webvh.

    Files in hand come first, then the registry; the web is asked for what neither holds. Files in
    hand that lack what the registry holds are refused: they were rolled back, or forked.

    The log is read anew each time. One that was found sound is not verified a second time as long
    as it is the same, byte for byte.

    Attributes:
        registry: The registry that keeps logs, each under its SCID.
        fetch: How logs are read from the web; `cityid.did.fetch` makes one that is safe.
        logs: Logs in hand, by DID.
        known_versions: The newest ``versionId`` ever seen, by DID: a log without it is refused.
        clock: Gives the present.
    """

    name: ClassVar[str] = "webvh"
    self_contained: ClassVar[bool] = False
    features: ClassVar[frozenset[str]] = frozenset({"versionId", "versionTime", "recordedBy"})

    registry: Registry | None = field(default=None, repr=False)
    fetch: Fetch | None = field(default=None, repr=False)
    logs: Mapping[str, LogFiles] = field(default_factory=dict, hash=False)
    known_versions: Mapping[str, str] = field(default_factory=dict, hash=False)
    clock: Clock = field(default=now, repr=False)
    _kept: OrderedDict[_Key, History] = field(
        default_factory=OrderedDict, init=False, repr=False, compare=False
    )

    def __reduce__(self) -> tuple[type[WebVH], tuple[object, ...]]:
        """Let a process pool carry the method; what is kept stays behind."""
        mappings = (dict(self.logs), dict(self.known_versions))
        return WebVH, (self.registry, self.fetch, *mappings, self.clock)

    def resolve(self, did: DID, options: ResolutionOptions) -> ResolutionResult:
        """Return the version of the document that is asked for.

        Raises:
            InvalidInputError: The log breaks a rule, was rolled back, or the DID tells no place
                (``INVALID_DID``); the options are malformed (``INVALID_OPTIONS``).
            NotFoundError: There is no log, or no such version.
            UnsupportedError: There is nowhere to look for a log (``METHOD_NOT_SUPPORTED``).
            RegistryError: The registry or the web could not be reached.

        Spec:
            https://identity.foundation/didwebvh/v1.0/#read-resolve
        """
        if options.recorded_by is not None:
            return self._recorded_history(did, options.recorded_by).resolve(options)
        return self.history(did).resolve(options)

    def history(self, did: DID) -> History:
        """Return the verified history of a DID; a `fault` in it says what is wrong at its end.

        Args:
            did: The DID.

        Raises:
            InvalidInputError: As for `resolve`.
            NotFoundError: There is no log.
            UnsupportedError: There is nowhere to look for a log (``METHOD_NOT_SUPPORTED``).
            RegistryError: The registry or the web could not be reached.
        """
        place = place_of(did)
        recorded = None if self.registry is None else from_registry(self.registry, place.scid)
        files = self.logs.get(str(did))
        known = self.known_versions.get(str(did))
        if files is not None:
            return self._in_hand(did, from_files(files), recorded, known)
        if recorded is not None:
            return self._verified(did, recorded, known)
        if self.fetch is not None:
            return self._verified(did, from_web(self.fetch, place), known)
        if self.registry is None and not self.logs:
            raise UnsupportedError(
                "a did:webvh needs a registry, a fetch= or its log in hand",
                name="webvh",
                code=Code.METHOD_NOT_SUPPORTED,
            )
        raise NotFoundError("there is no log of this DID", ref=str(did)[:80])

    def file_url(self, path: str, document: DIDDocument) -> str:
        """Return where the file of a DID URL's path lies.

        Args:
            path: The path, such as ``/whois`` or ``/governance/issuers.json``.
            document: The document of the DID, with the services that every did:webvh has.

        Raises:
            InvalidInputError: The path leads elsewhere (``INVALID_DID_URL``), or the service that
                the document names is not reached over https (``INVALID_DID``).

        Spec:
            https://identity.foundation/didwebvh/v1.0/#did-url-path-resolution
        """
        return file_url(path, document)

    def _recorded_history(self, did: DID, by: datetime) -> History:
        """Return the history as the registry had it at a time."""
        scid = place_of(did).scid
        if self.registry is None or self.registry.head(log_name(scid)) is None:
            raise UnsupportedError(
                "no registry keeps the history of this DID, so nobody knows when it was recorded",
                name="recordedBy",
                code=Code.FEATURE_NOT_SUPPORTED,
            )
        recorded = from_registry(self.registry, scid, by=by)
        if recorded is None:
            raise NotFoundError("the registry had no log of this DID then", ref=str(did)[:80])
        return self._verified(did, recorded, None)

    def _in_hand(
        self, did: DID, files: Source, recorded: Source | None, known: str | None
    ) -> History:
        if recorded is None:
            return self._verified(did, files, known)
        proofs = joined([files.witness_proofs, recorded.witness_proofs])
        newest = self._verified(did, recorded, None).last.version_id
        source = Source(files.lines, proofs)
        history = self._verified(did, source, newest)
        return history if known is None or history.fault else self._verified(did, source, known)

    def _verified(self, did: DID, source: Source, known: str | None) -> History:
        """Verify a log, or find that the very same one was verified before."""
        at = self.clock()
        key = (str(did), source.lines, source.witness_proofs, known)
        kept = self._kept.get(key)
        if kept is not None and kept.verified_at <= at:
            return kept
        history = verify_log(did, source.lines, source.witness_proofs, at=at, known_version=known)
        if _may_be_kept(history, source):
            self._keep(key, history)
        return history

    def _keep(self, key: _Key, history: History) -> None:
        while len(self._kept) >= CACHE_SIZE:
            with suppress(KeyError):  # another thread may have emptied it
                self._kept.popitem(last=False)
        self._kept[key] = history


def _may_be_kept(history: History, source: Source) -> bool:
    """Tell whether a log is small, and being sound now is so for ever."""
    proofs = [proof for entry in history.entries for proof in entry.proofs]
    proofs += [approval.proof for approval in history.approvals]
    size = sum(map(len, (*source.lines, source.witness_proofs)))
    lasting = history.fault is None and not any("expires" in proof for proof in proofs)
    return lasting and size <= MAX_KEPT
