"""Reading a document from the web, with nothing reached that should not be.

The URL of a document comes from whoever wrote a credential, so it is hostile: only https, only
public addresses, each looked up once and connected to as looked up, no redirects, little time and
few bytes.
"""

from __future__ import annotations

import http.client
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cityid.did.fetch import FetchedDocument, Lookup, is_domain_name
from cityid.errors import Code, InvalidInputError, NotFoundError, RegistryError, quote
from cityid.timed_socket import TimedSocket, left

_URL = re.compile(
    r"https://([^/?#@:\[\]\s]+|\[[0-9A-Fa-f:.]+\])(?::([1-9][0-9]{0,4}))?(/[\x21\x24-\x7e]*)",
    re.ASCII,
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
_CHUNK: Final = 65536


def is_public(address: str) -> bool:
    """Return whether an IP address is one that anybody on the internet may be reached at.

    Args:
        address: The address as text.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo and parsed.teredo[1])
        if parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
        if parsed.is_site_local or parsed in _LOCAL_NAT64:
            return False
    return parsed.is_global and not (
        parsed.is_multicast or parsed.is_reserved or parsed.is_loopback or parsed.is_unspecified
    )


def look_up(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system's resolver knows them."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(row[4][0]) for row in rows))


@dataclass(frozen=True, slots=True)
class GuardedFetch:
    """Reads documents over https; `cityid.did.fetch` makes one and says what the limits are."""

    timeout: float
    max_bytes: int
    ports: frozenset[int]
    lookup: Lookup = field(repr=False)
    allow: Callable[[str], bool] = field(repr=False)
    tls: ssl.SSLContext | None = field(repr=False)

    def __call__(self, url: str) -> FetchedDocument:
        """Read a document.

        Args:
            url: Its https URL.

        Raises:
            InvalidInputError: The URL, its address or its answer is not allowed
                (``ADDRESS_NOT_ALLOWED``), or the answer is too large (``INPUT_TOO_LARGE``).
            NotFoundError: There is no such document.
            RegistryError: It could not be read (``UNREACHABLE``, ``TIMEOUT``).
        """
        host, port, target = self._parts(url)
        deadline = time.monotonic() + self.timeout
        try:
            addresses = self._addresses(host, port, deadline)
            with self._connect(addresses, host, port, deadline) as connection:
                return self._read(connection, url, target, deadline)
        except TimeoutError as error:
            raise RegistryError(
                f"{quote(host)} did not answer within {self.timeout:g} s", code=Code.TIMEOUT
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, InvalidInputError):
                raise
            raise RegistryError(
                f"{quote(host)} could not be read: {type(error).__name__}", code=Code.UNREACHABLE
            ) from error

    def _parts(self, url: str) -> tuple[str, int, str]:
        match = _URL.fullmatch(str(url))
        if match is None:
            raise _refused(f"{quote(url)} is not a plain https URL")
        host, port = match[1], int(match[2] or 443)
        if not is_domain_name(host):
            raise _refused(f"{quote(host)} is not a domain name; IP addresses are not reached")
        if port not in self.ports:
            raise _refused(f"port {port} is not reached; allowed: {sorted(self.ports)}")
        return host.lower(), port, match[3]

    def _addresses(self, host: str, port: int, deadline: float) -> Sequence[str]:
        """Look the host up once; every address it has must be allowed."""
        addresses = _within(deadline, lambda: self.lookup(host, port))
        if not addresses:
            raise OSError("no address")
        for address in addresses:
            if not self.allow(address):
                raise _refused(f"{quote(host)} leads to {address}, which is not a public address")
        return addresses

    def _connect(
        self, addresses: Sequence[str], host: str, port: int, deadline: float
    ) -> ssl.SSLSocket:
        """Connect to an address that was checked; the certificate must be the host's."""
        tls = self.tls or ssl.create_default_context()
        failure: OSError = OSError("no address")
        for address in addresses:
            try:
                plain = socket.create_connection((address, port), timeout=left(deadline))
            except OSError as error:
                failure = error
                continue
            try:
                plain.settimeout(left(deadline))
                return tls.wrap_socket(plain, server_hostname=host)
            except BaseException:
                plain.close()
                raise
        raise failure

    def _read(
        self, connection: ssl.SSLSocket, url: str, target: str, deadline: float
    ) -> FetchedDocument:
        client = http.client.HTTPConnection(url.split("/")[2])
        client.sock = TimedSocket(connection, deadline)
        headers = {"Accept": "application/did, application/json", "Accept-Encoding": "identity"}
        client.request("GET", target, headers={**headers, "Connection": "close"})
        response = client.getresponse()
        _check_status(response, url)
        length = response.getheader("Content-Length", "0")
        if not length.isdecimal() or int(length[:20]) > self.max_bytes:
            raise self._too_large(url)
        content = bytearray()
        while chunk := response.read(min(_CHUNK, self.max_bytes + 1 - len(content))):
            content += chunk
            if len(content) > self.max_bytes:
                raise self._too_large(url)
        if response.length:
            raise http.client.IncompleteRead(bytes(content))
        media_type = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
        return FetchedDocument(url, bytes(content), media_type)

    def _too_large(self, url: str) -> InvalidInputError:
        return InvalidInputError(
            f"{quote(url)} is larger than {self.max_bytes} bytes", code=Code.INPUT_TOO_LARGE
        )


def check_options(timeout: float, max_bytes: int, tls: ssl.SSLContext | None) -> None:
    """Refuse options under which nothing is guarded.

    Raises:
        InvalidInputError: A limit is not positive, or `tls` checks no certificate.
    """
    if not (timeout > 0 and max_bytes > 0):
        raise InvalidInputError("timeout and max_bytes are positive", code=Code.INVALID_OPTIONS)
    if tls is not None and (tls.verify_mode != ssl.CERT_REQUIRED or not tls.check_hostname):
        raise InvalidInputError(
            "tls must require a certificate of the host", code=Code.INVALID_OPTIONS
        )


def _within(deadline: float, work: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Do work that knows no deadline; whoever waits for it does."""
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(work())
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            answers.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=left(deadline))
    except queue.Empty as error:
        raise TimeoutError from error
    if isinstance(answer, OSError):
        raise answer
    if isinstance(answer, Exception):
        raise OSError(f"the lookup failed with {type(answer).__name__}") from answer
    return answer


def _check_status(response: http.client.HTTPResponse, url: str) -> None:
    status = response.status
    if status in {http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE}:
        raise NotFoundError(f"there is nothing at {quote(url)}", ref=url[:80])
    if 300 <= status < 400:  # noqa: PLR2004 - the redirections
        raise _refused(f"{quote(url)} leads elsewhere; redirects are not followed")
    if status != http.HTTPStatus.OK:
        raise http.client.HTTPException(f"status {status}")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise http.client.HTTPException("encoded content was not asked for")


def _refused(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.ADDRESS_NOT_ALLOWED)
