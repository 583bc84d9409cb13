"""The parameters of a log: what each may be, and what stays as it was.

Spec:
    https://identity.foundation/didwebvh/v1.0/#didwebvh-did-method-parameters
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final

from cityid.did import syntax
from cityid.did.methods.webvh.entry import invalid_log
from cityid.did.verification_method import read_multikey
from cityid.errors import CityIdError, InvalidInputError, quote
from cityid.keys import KeyType, PublicKey

METHOD: Final = "did:webvh:1.0"
"""The version of the specification that is read and written."""

DEFAULT_TTL: Final = 3600
MAX_TTL: Final = 2**31
MAX_KEYS: Final = 256
"""The most keys, hashes, witnesses or watchers of one entry."""
MAX_KEY_LENGTH: Final = 80
"""The most characters of an update key: keys for pairings, slow to read, sign no logs."""

_DID_KEY: Final = "did:key:"


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who must approve each entry, and how many of them.

    Attributes:
        threshold: How many approvals an entry needs.
        ids: The did:key of each witness.
    """

    threshold: int
    ids: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the parameter as JSON."""
        return {"threshold": self.threshold, "witnesses": [{"id": did} for did in self.ids]}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters in force once an entry is published.

    Attributes:
        scid: The self-certifying identifier of the DID.
        update_keys: The Multikeys that may sign.
        next_key_hashes: The hashes that the next update keys must have; empty without
            pre-rotation.
        witness: Who must approve; None without witnesses.
        watchers: The URLs of those who watch the DID.
        portable: Whether the DID may move to another place.
        deactivated: Whether the DID was given up.
        ttl: For how many seconds an answer may be kept.
        keys: The update keys by their Multikeys.
    """

    scid: str
    update_keys: tuple[str, ...] = ()
    next_key_hashes: tuple[str, ...] = ()
    witness: Witnesses | None = None
    watchers: tuple[str, ...] = ()
    portable: bool = False
    deactivated: bool = False
    ttl: int = DEFAULT_TTL
    keys: Mapping[str, PublicKey] = field(default_factory=dict, repr=False, hash=False)


def read_parameters(given: Mapping[str, Any], before: Parameters | None, index: int) -> Parameters:
    """Return the parameters in force after an entry.

    Whether an entry may change what it changes is for the rules of the log.

    Args:
        given: The ``parameters`` of the entry.
        before: Those in force before; None for the first entry.
        index: Which line of the log it is, from 0, for the message.

    Raises:
        InvalidInputError: A parameter is unknown, missing, or not what it must be
            (``INVALID_DID``).
    """
    for name in given:
        if name not in _NAMES:
            raise invalid_log(f"there is no parameter {quote(name)}", index, "parameters", name)
    _check_method(given, before, index)
    scid = _scid(given, before, index)
    changes = {}
    for name, (member, read) in _READERS.items():
        if name in given:
            try:
                changes[member] = read(given[name])
            except CityIdError as error:
                raise invalid_log(str(error), index, "parameters", name) from error
    if "update_keys" in changes:
        changes["keys"] = changes["update_keys"]
        changes["update_keys"] = tuple(changes["keys"])
    elif before is None:
        raise invalid_log("the first entry has updateKeys", index, "parameters")
    return _changed(before or Parameters(scid), changes)


def _changed(before: Parameters, changes: Mapping[str, Any]) -> Parameters:
    """Return the parameters with some of them changed; `replace` would take three times as long."""
    return Parameters(*[changes.get(name, getattr(before, name)) for name in _MEMBERS])


def _check_method(given: Mapping[str, Any], before: Parameters | None, index: int) -> None:
    method = given.get("method", METHOD if before else None)
    if method != METHOD:
        raise invalid_log(
            f"the method is {METHOD}, not {quote(method)}", index, "parameters", "method"
        )


def _scid(given: Mapping[str, Any], before: Parameters | None, index: int) -> str:
    if before is not None:
        if "scid" in given:
            raise invalid_log("the first entry alone has a scid", index, "parameters", "scid")
        return before.scid
    scid = given.get("scid")
    if not isinstance(scid, str) or not scid:
        raise invalid_log("the first entry has a scid", index, "parameters", "scid")
    return scid


def _texts(value: object) -> tuple[str, ...]:
    entries = [] if value is None else value
    if not isinstance(entries, list) or not _TEXT.issuperset(map(type, entries)):
        raise InvalidInputError("it is a list of strings")
    if len(entries) > MAX_KEYS:
        raise InvalidInputError(f"it has {len(entries)} members; at most {MAX_KEYS} are read")
    return tuple(entries)


def _update_keys(value: object) -> dict[str, PublicKey]:
    multikeys = _texts(value)
    _check_distinct(multikeys)
    if any(len(multikey) > MAX_KEY_LENGTH for multikey in multikeys):
        raise InvalidInputError(f"no key of more than {MAX_KEY_LENGTH} characters signs a log")
    return {multikey: read_multikey(multikey) for multikey in multikeys}


def _watchers(value: object) -> tuple[str, ...]:
    watchers = _texts(value)
    for watcher in watchers:
        if not syntax.is_url(watcher):
            raise InvalidInputError(f"{quote(watcher)} is not a URL")
    return watchers


def _witness(value: object) -> Witnesses | None:
    if value is None or value == {}:
        return None
    if not isinstance(value, dict) or value.keys() != {"threshold", "witnesses"}:
        raise InvalidInputError("it has threshold and witnesses, or is {}")
    entries, threshold = value["witnesses"], value["threshold"]
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_KEYS:
        raise InvalidInputError(f"witnesses is a list of 1 to {MAX_KEYS}")
    ids = tuple(_witness_id(entry) for entry in entries)
    _check_distinct(ids)
    if type(threshold) is not int or not 1 <= threshold <= len(ids):
        raise InvalidInputError(f"the threshold is from 1 to {len(ids)}, not {quote(threshold)}")
    return Witnesses(threshold, ids)


def _witness_id(entry: object) -> str:
    did = entry["id"] if isinstance(entry, dict) and entry.keys() == {"id"} else None
    if not isinstance(did, str) or not did.startswith(_DID_KEY):
        raise InvalidInputError(f"a witness has an id, a did:key, not {quote(did)}")
    key = read_multikey(did.removeprefix(_DID_KEY))
    if key.type is not KeyType.ED25519 or key.multikey != did.removeprefix(_DID_KEY):
        raise InvalidInputError(f"the witness {quote(did)} has no Ed25519 key")
    return did


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInputError(f"it is true or false, not {quote(value)}")
    return value


def _ttl(value: object) -> int:
    seconds = DEFAULT_TTL if value is None else value
    if type(seconds) is not int or not 0 <= seconds <= MAX_TTL:
        raise InvalidInputError(f"it is a number of seconds from 0 to {MAX_TTL}")
    return seconds


def _check_distinct(texts: tuple[str, ...]) -> None:
    if len(set(texts)) != len(texts):
        raise InvalidInputError("a member stands twice")


_TEXT: Final = frozenset({str})
_MEMBERS: Final = tuple(member.name for member in fields(Parameters))

_READERS: Final[Mapping[str, tuple[str, Callable[[object], Any]]]] = MappingProxyType(
    {
        "updateKeys": ("update_keys", _update_keys),
        "nextKeyHashes": ("next_key_hashes", _texts),
        "witness": ("witness", _witness),
        "watchers": ("watchers", _watchers),
        "portable": ("portable", _flag),
        "deactivated": ("deactivated", _flag),
        "ttl": ("ttl", _ttl),
    }
)
"""Each parameter: the member of `Parameters` it sets, and how it is read."""

_NAMES: Final = frozenset({"method", "scid", *_READERS})
