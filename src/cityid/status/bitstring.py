"""The Bitstring Status List 1.0: entries of credentials, and the credentials that are the lists.

Spec:
    https://www.w3.org/TR/vc-bitstring-status-list/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from cityid import timestamp
from cityid.credential import Credential
from cityid.credential.terms import V2, is_url, types
from cityid.encoding import multibase_decode, multibase_encode
from cityid.errors import Code, InvalidInputError, quote
from cityid.pointer import join
from cityid.status.bits import Form, compress, expand, read_leftmost_first
from cityid.strict_json import JSONObject

ENTRY = "BitstringStatusListEntry"
LIST = "BitstringStatusList"
LIST_CREDENTIAL = "BitstringStatusListCredential"

LEAST_ENTRIES = 131_072
"""The fewest entries a list may have: a credential hides among the others."""

MOST_BITS = 16
"""The most bits one entry may have."""

MOST_ENCODED = 1_000_000
"""The most characters an encoded list may have."""

_BASES: tuple[Literal["base64url"]] = ("base64url",)
_INDEX = re.compile(r"0|[1-9][0-9]{0,31}", re.ASCII)
_STATUS = re.compile(r"0x[0-9A-Fa-f]{1,8}", re.ASCII)
_MILLISECOND = timedelta(milliseconds=1)


class Entry(NamedTuple):
    """Where the status of a credential stands.

    Attributes:
        purpose: What the status says: ``revocation``, ``suspension``, ``message``, ``refresh`` …
        url: The list's URL.
        place: Which entry of the list, from 0.
        size: How many bits the status has.
        messages: What each value means, by value; empty where the issuer does not say.
    """

    purpose: str
    url: str
    place: int
    size: int = 1
    messages: Mapping[int, str] = {}

    def message(self, value: int) -> str:
        """Return what a value means, in the issuer's words; not made for citizens."""
        return self.messages.get(value, "set" if value else "unset")


class BitstringList(NamedTuple):
    """A list that was read; who signed it was judged before.

    Attributes:
        url: Its URL: the ``id`` of the credential.
        issuer: Who issued it.
        purposes: What its entries may be for.
        bits: The array.
        valid_from: When it was made.
        valid_until: When it says nothing more.
        ttl: For how long a copy may be used.
        version: Which version of its log it was signed for; None where it does not say.
    """

    url: str | None
    issuer: str | None
    purposes: frozenset[str]
    bits: bytes
    valid_from: datetime | None
    valid_until: datetime | None
    ttl: timedelta | None
    version: int | None = None

    def stands_at(self, version: int) -> bool:
        """Tell whether the list was signed for a version of its log.

        Anybody may append, also an earlier list in which less is set; so a list without a version
        counts as the first entry alone.

        Args:
            version: The version at which it was found.
        """
        return version == (1 if self.version is None else self.version)

    def value(self, entry: Entry) -> int:
        """Return the status of an entry.

        Args:
            entry: An entry that names this list.

        Raises:
            InvalidInputError: The list is not for this purpose (STATUS_VERIFICATION_ERROR), too
                short (STATUS_LIST_LENGTH_ERROR), or has no such entry (RANGE_ERROR).

        Spec:
            https://www.w3.org/TR/vc-bitstring-status-list/#validate-algorithm
        """
        if entry.purpose not in self.purposes:
            met = ", ".join(sorted(self.purposes))
            raise InvalidInputError(
                f"the list is for {quote(met)}, not for {quote(entry.purpose)}",
                code=Code.STATUS_VERIFICATION_ERROR,
            )
        if len(self.bits) * 8 < LEAST_ENTRIES * entry.size:
            raise InvalidInputError(
                f"the list has fewer than {LEAST_ENTRIES} entries of {entry.size} bits",
                code=Code.STATUS_LIST_LENGTH_ERROR,
            )
        return read_leftmost_first(self.bits, entry.place, entry.size)


def read_entry(document: Mapping[str, Any], path: str = "") -> Entry:
    """Read an entry.

    Args:
        document: An object of ``credentialStatus``.
        path: JSON Pointer to it, for the message.

    Raises:
        InvalidInputError: It breaks a rule of the specification (MALFORMED_VALUE_ERROR).

    Spec:
        https://www.w3.org/TR/vc-bitstring-status-list/#bitstringstatuslistentry
    """
    purpose, url = document.get("statusPurpose"), document.get("statusListCredential")
    index, size = document.get("statusListIndex"), document.get("statusSize", 1)
    if not isinstance(purpose, str) or not purpose:
        raise _malformed("statusPurpose must be text", join(path, "statusPurpose"))
    if not isinstance(url, str) or not is_url(url):
        raise _malformed(f"{quote(url)} is not the URL of a list", join(path, _URL))
    if type(index) is not str or _INDEX.fullmatch(index) is None:
        told = f"{quote(index)} is not a whole number from 0, written as text in base 10"
        raise _malformed(told, join(path, "statusListIndex"))
    if type(size) is not int or not 0 < size <= MOST_BITS:
        told = f"a status has 1 to {MOST_BITS} bits, not {quote(size)}"
        raise _malformed(told, join(path, "statusSize"))
    if document.get("id") == url:
        raise _malformed("the id of an entry must not be the list's URL", join(path, "id"))
    if size == 1 and "statusMessage" not in document:
        return Entry(purpose, url, int(index))
    messages = _messages(document.get("statusMessage"), size, join(path, "statusMessage"))
    return Entry(purpose, url, int(index), size, messages)


_URL = "statusListCredential"


def _messages(value: Any, size: int, path: str) -> Mapping[int, str]:
    if not isinstance(value, list) or len(value) != 1 << size:
        told = f"a status of {size} bits has {1 << size} messages, in a list"
        raise _malformed(told, path)
    messages: dict[int, str] = {}
    for index, item in enumerate(value):
        status, message = (
            (item.get("status"), item.get("message")) if isinstance(item, dict) else (None, None)
        )
        if not isinstance(message, str) or not isinstance(status, str):
            raise _malformed("a message needs the texts status and message", join(path, index))
        if _STATUS.fullmatch(status) is None or not int(status, 16) < 1 << size:
            told = f"{quote(status)} is no status of {size} bits, such as 0x1"
            raise _malformed(told, join(path, index, "status"))
        messages[int(status, 16)] = message
    if len(messages) != len(value):
        raise _malformed("two messages are for the same status", path)
    return messages


def read_list(credential: Credential) -> BitstringList:
    """Read the list in a credential.

    Args:
        credential: The list's credential; its proof is judged elsewhere.

    Raises:
        InvalidInputError: It breaks a rule of the specification (MALFORMED_VALUE_ERROR), or the
            encoded list cannot be expanded.

    Spec:
        https://www.w3.org/TR/vc-bitstring-status-list/#bitstringstatuslistcredential
        https://www.w3.org/TR/vc-bitstring-status-list/#bitstring-expansion-algorithm
    """
    if LIST_CREDENTIAL not in credential.types:
        raise _malformed(f"the credential is not a {LIST_CREDENTIAL}", "/type")
    subjects = credential.subjects
    if len(subjects) != 1 or LIST not in types(subjects[0].get("type")):
        raise _malformed(f"the subject is not one {LIST}", _SUBJECT)
    subject = subjects[0]
    return BitstringList(
        credential.id,
        credential.issuer,
        _purposes(subject.get("statusPurpose")),
        _expanded(subject.get("encodedList")),
        credential.valid_from,
        credential.valid_until,
        _ttl(subject.get("ttl")),
        _version(subject.get("id"), credential.id),
    )


_SUBJECT = "/credentialSubject"


def _version(subject: Any, url: str | None) -> int | None:
    told = subject.removeprefix(f"{url}{_VERSION}") if isinstance(subject, str) else ""
    return int(told) if _INDEX.fullmatch(told) else None


_VERSION = "#list-"


def _purposes(value: Any) -> frozenset[str]:
    purposes = value if isinstance(value, list) else (value,)
    for purpose in purposes:
        if not isinstance(purpose, str) or not purpose:
            raise _malformed("statusPurpose must be text, or texts", f"{_SUBJECT}/statusPurpose")
    if not purposes:
        raise _malformed("statusPurpose must say something", f"{_SUBJECT}/statusPurpose")
    return frozenset(purposes)


def _expanded(encoded: Any) -> bytes:
    path = f"{_SUBJECT}/encodedList"
    if not isinstance(encoded, str):
        raise _malformed("encodedList must be text", path)
    try:
        compressed = multibase_decode(encoded, bases=_BASES, max_length=MOST_ENCODED)
        return expand(compressed, Form.GZIP)
    except InvalidInputError as error:
        raise InvalidInputError(str(error), code=error.code, path=path) from error


def _ttl(value: Any) -> timedelta | None:
    if value is None:
        return None
    if type(value) is not int or value < 0:
        told = f"ttl is a whole number of milliseconds, not {quote(value)}"
        raise _malformed(told, f"{_SUBJECT}/ttl")
    return timedelta(milliseconds=min(value, _LONGEST_TTL))


_LONGEST_TTL = 10**12


def _malformed(told: str, path: str) -> InvalidInputError:
    return InvalidInputError(told, code=Code.MALFORMED_VALUE_ERROR, path=path)


# --- writing


def entry_document(entry: Entry) -> JSONObject:
    """Return an entry as it stands in a credential.

    Args:
        entry: The entry.
    """
    document: JSONObject = {
        "id": f"{entry.url}#{entry.place}",
        "type": ENTRY,
        "statusPurpose": entry.purpose,
        "statusListIndex": str(entry.place),
        "statusListCredential": entry.url,
    }
    if entry.size > 1:
        document["statusSize"] = entry.size
    if entry.messages:
        document["statusMessage"] = [
            {"status": f"{status:#x}", "message": message}
            for status, message in sorted(entry.messages.items())
        ]
    return document


def list_document(
    url: str,
    *,
    issuer: str,
    purposes: Sequence[str],
    bits: bytes | bytearray,
    valid_from: datetime,
    valid_until: datetime | None = None,
    ttl: timedelta | None = None,
    version: int | None = None,
) -> JSONObject:
    """Return the unsecured credential of a list.

    Args:
        url: The list's URL.
        issuer: Who issues it.
        purposes: What its entries may be for.
        bits: The array, the left-most bit first.
        valid_from: When it is made.
        valid_until: When it says nothing more.
        ttl: For how long a copy may be used.
        version: Which version of its log it becomes.

    Spec:
        https://www.w3.org/TR/vc-bitstring-status-list/#generate-algorithm
        https://www.w3.org/TR/vc-bitstring-status-list/#bitstring-generation-algorithm
    """
    subject: JSONObject = {
        "id": f"{url}#list" if version is None else f"{url}{_VERSION}{version}",
        "type": LIST,
        "statusPurpose": purposes[0] if len(purposes) == 1 else list(purposes),
        "encodedList": encoded(bits),
    }
    if ttl is not None:
        subject["ttl"] = ttl // _MILLISECOND
    document: JSONObject = {
        "@context": [V2],
        "id": url,
        "type": ["VerifiableCredential", LIST_CREDENTIAL],
        "issuer": issuer,
        "validFrom": timestamp.write(valid_from),
        "credentialSubject": subject,
    }
    if valid_until is not None:
        document["validUntil"] = timestamp.write(valid_until)
    return document


def encoded(bits: bytes | bytearray) -> str:
    """Return an array as text: compressed with gzip, in base64url of multibase.

    Args:
        bits: The array, the left-most bit first.

    Spec:
        https://www.w3.org/TR/vc-bitstring-status-list/#bitstring-generation-algorithm
    """
    return multibase_encode(compress(bytes(bits), Form.GZIP), "base64url")


def named_in(credentials: Iterable[Credential]) -> frozenset[str]:
    """Return the URLs of all lists that some credentials name.

    Args:
        credentials: The credentials, in any state.
    """
    return frozenset(
        url
        for credential in credentials
        for status in credential.statuses
        if isinstance(url := status.get(_URL), str)
    )
