"""The port documents are read from the web through, and the guarded way to do it.

Importing this loads nothing of the network: the reader itself is in `cityid.did.https`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl

TIMEOUT: Final = 10.0
MAX_BYTES: Final = 1_000_000

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(
    rf"(?=.{{4,253}}\Z)(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])", re.ASCII
)

Lookup = Callable[[str, int], Sequence[str]]
"""From a host name and a port to its addresses."""


@dataclass(frozen=True, slots=True)
class FetchedDocument:
    """What was read.

    Attributes:
        url: From where.
        content: The bytes.
        media_type: What they are said to be, in lower case and without parameters.
    """

    url: str
    content: bytes
    media_type: str


Fetch = Callable[[str], FetchedDocument]


def is_domain_name(host: str) -> bool:
    """Return whether a host is a full domain name, and no IP address in any spelling."""
    return _NAME.fullmatch(host) is not None


def fetch(
    *,
    timeout: float = TIMEOUT,
    max_bytes: int = MAX_BYTES,
    ports: frozenset[int] = frozenset({443}),
    lookup: Lookup | None = None,
    allow: Callable[[str], bool] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Fetch:
    """Make a guarded reader of documents on the web, for ``did.resolver(fetch=did.fetch())``.

    The reader takes https URLs of domain names alone, connects only to addresses that were
    checked, follows no redirect, and gives up at the deadline however slowly bytes drip in.

    Args:
        timeout: The most seconds a document may take, from looking up its host to its last byte.
        max_bytes: The most bytes a document may have.
        ports: The ports that may be reached.
        lookup: From host name and port to addresses, asked once a document; the system's
            resolver where it is not given.
        allow: Whether an address may be reached; public ones alone where it is not given.
            Another rule, such as one that admits a city's own network, opens that network to
            whoever writes a DID.
        tls: How certificates are checked; the system's trust where it is not given.

    Raises:
        InvalidInputError: A limit is not positive, or `tls` checks no certificate.
    """
    from cityid.did import https

    https.check_options(timeout, max_bytes, tls)
    return https.GuardedFetch(
        timeout,
        max_bytes,
        frozenset(ports),
        https.look_up if lookup is None else lookup,
        https.is_public if allow is None else allow,
        tls,
    )
