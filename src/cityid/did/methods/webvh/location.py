"""Where a did:webvh lies on the web, and every trick with hosts and paths refused.

Spec:
    https://identity.foundation/didwebvh/v1.0/#the-did-to-https-transformation
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote as percent_encode
from urllib.parse import unquote

from cityid.did import syntax
from cityid.did.fetch import is_domain_name
from cityid.did.methods.base import check_path_segment, invalid_did
from cityid.did.syntax import DID
from cityid.errors import quote

SCID_PLACEHOLDER: Final = "{SCID}"
"""What stands for the SCID as long as it is not known."""

_SCID = re.compile(r"[1-9A-HJ-NP-Za-km-z]{46}", re.ASCII)
_HOST = re.compile(r"(.+?)(?:%3A([1-9][0-9]{1,4}))?", re.ASCII)
_LAST_PORT: Final = 65535
_LETTERS: Final = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})
"""The classes of characters that a label of an international domain name may have."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a did:webvh says: who it is, and where its log is published.

    Attributes:
        scid: The self-certifying identifier: the hash of how the DID began.
        host: The domain name, as it is connected to.
        port: The port; None for 443.
        segments: The path, percent-encoded.
    """

    scid: str
    host: str
    port: str | None
    segments: tuple[str, ...]

    @property
    def base_url(self) -> str:
        """What paths of the DID are appended to; it ends with no slash."""
        authority = self.host if self.port is None else f"{self.host}:{self.port}"
        return "https://" + "/".join([authority, *self.segments])

    @property
    def log_url(self) -> str:
        """Where ``did.jsonl`` lies."""
        return f"{self._folder}/did.jsonl"

    @property
    def witness_url(self) -> str:
        """Where ``did-witness.json`` lies."""
        return f"{self._folder}/did-witness.json"

    @property
    def _folder(self) -> str:
        return self.base_url if self.segments else f"{self.base_url}/.well-known"


def place_of(did: DID) -> Place:
    """Read where a did:webvh is published.

    Args:
        did: The DID.

    Raises:
        InvalidInputError: It is no did:webvh, its host is no domain name, or its path is not what
            it seems (``INVALID_DID``).

    Spec:
        https://identity.foundation/didwebvh/v1.0/#method-specific-identifier
    """
    scid, *rest = did.identifier.split(":")
    if did.method != "webvh" or _SCID.fullmatch(scid) is None:
        raise invalid_did(f"{quote(str(did))} does not begin with did:webvh: and 46 characters")
    if not rest:
        raise invalid_did("a did:webvh names a domain behind its SCID")
    host, port = _authority(rest[0])
    for segment in rest[1:]:
        check_path_segment(segment)
    return Place(scid, host, port, tuple(rest[1:]))


def template(domain: str, path: str = "", port: int | None = None) -> str:
    """Return the did:webvh of a place, with a placeholder for the SCID it has not yet.

    Args:
        domain: The domain name; international ones are written as they are read.
        path: Where below the host the log will lie, such as ``offices/registry``.
        port: The port, where it is not 443.

    Raises:
        InvalidInputError: There is no such place (``INVALID_DID``).
    """
    try:
        encoded = percent_encode(path, safe="/").replace("~", "%7E")
        host = percent_encode(domain, safe="")
    except UnicodeEncodeError as error:
        raise invalid_did("the place holds a lone surrogate") from error
    authority = host if port is None else f"{host}%3A{port}"
    parts = [authority, *(encoded.split("/") if path else [])]
    example = ":".join(["did:webvh", "1" * 46, *parts])
    place_of(syntax.parse(example))
    return ":".join(["did:webvh", SCID_PLACEHOLDER, *parts])


def _authority(text: str) -> tuple[str, str | None]:
    match = _HOST.fullmatch(text)
    if match is None:
        raise invalid_did(f"{quote(text)} is not a domain name")
    host = _ascii_host(match[1])
    if not is_domain_name(host):
        raise invalid_did(f"{quote(text)} is not a domain name, with %3A and a port or without")
    if match[2] and int(match[2]) > _LAST_PORT:
        raise invalid_did(f"there is no port {match[2]}")
    return host, match[2]


def _ascii_host(host: str) -> str:
    """Return the name in lower case; an international one in Punycode.

    Only characters beyond ASCII may be percent-encoded, for else a host could hide what it is.
    """
    if "%" not in host:
        return host.lower()
    if any(int(code, 16) < 0x80 for code in re.findall("%(..)", host)):  # noqa: PLR2004 - the end of ASCII
        raise invalid_did(f"{quote(host)} hides a character of the host: name the host alone")
    try:
        decoded = unquote(host, errors="strict")
    except UnicodeDecodeError as error:
        raise invalid_did(f"{quote(host)} is not UTF-8") from error
    return ".".join(_ascii_label(label) for label in decoded.lower().split("."))


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label
    plain = unicodedata.normalize("NFKC", label) == label
    known = all(
        unicodedata.category(character) in _LETTERS or character == "-" for character in label
    )
    if not plain or not known or label[2:4] == "--":
        raise invalid_did(f"{quote(label)} is no label of an international domain name")
    return "xn--" + label.encode("punycode").decode("ascii")
