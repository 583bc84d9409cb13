"""One connection to a node over HTTP, with one deadline over a whole exchange and a bounded answer.

It stands where web3's provider expects a session of `requests`, because that one follows redirects,
reads proxies and credentials from its surroundings, and waits for ever on an answer that drips.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from cityid.errors import Code, InvalidInputError
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.timed_socket import TimedSocket, left

MAX_BYTES: Final = 32_000_000
_CHUNK: Final = 65_536
_STATUS: Final[dict[int, Failure]] = {
    HTTPStatus.TOO_MANY_REQUESTS: Failure.RATE_LIMITED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Failure.RANGE_TOO_LARGE,
    HTTPStatus.REQUEST_TIMEOUT: Failure.TIMEOUT,
    HTTPStatus.GATEWAY_TIMEOUT: Failure.TIMEOUT,
    HTTPStatus.BAD_GATEWAY: Failure.UNREACHABLE,
    HTTPStatus.SERVICE_UNAVAILABLE: Failure.UNREACHABLE,
}
_WITH_ANSWER: Final[set[int]] = {
    HTTPStatus.OK,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Some nodes tell a refusal of JSON-RPC under a status of HTTP that says so too."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a node is.

    Attributes:
        name: Scheme, host and port: what may be shown.
        host: The host.
        port: The port.
        secure: Whether TLS is spoken.
        target: Path and query; services keep their keys there.
        credentials: The header that logs in, if any.
    """

    name: str
    host: str
    port: int
    secure: bool
    target: str = field(repr=False)
    credentials: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Read the URL of a node.

        Args:
            url: ``http(s)://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY]``.

        Raises:
            InvalidInputError: It is no such URL. The message does not show it: it may hold a key.
        """
        if not _is_visible(url):
            raise _no_url()
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _no_url() from None
        if parts.scheme not in {"http", "https"} or not host or parts.fragment or port == 0:
            raise _no_url()
        secure = parts.scheme == "https"
        port = port or (http.client.HTTPS_PORT if secure else http.client.HTTP_PORT)
        shown = f"[{host}]" if ":" in host else host
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        credentials = _credentials(parts.username, parts.password)
        return cls(f"{parts.scheme}://{shown}:{port}", host, port, secure, target, credentials)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a node answered, as web3 wants it of `requests`."""

    content: bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: the body was read."""

    def raise_for_status(self) -> None:
        """Do nothing: the status was looked at."""


class Wire:
    """A connection to a node, kept open between exchanges; one thread at a time uses it."""

    def __init__(
        self, location: Location, *, tls: ssl.SSLContext | None = None, max_bytes: int = MAX_BYTES
    ) -> None:
        self._location = location
        self._max_bytes = max_bytes
        self._tls = (tls or ssl.create_default_context()) if location.secure else None
        self._socket: socket.socket | None = None
        self._closed = False

    def post(
        self, _url: str, data: bytes, *, headers: dict[str, str], timeout: float, **_: Any
    ) -> Answer:
        """Send a request and read its answer.

        Args:
            _url: Not used: the wire leads to one place.
            data: The request.
            headers: Its headers.
            timeout: The most seconds that connecting, sending and reading may take together.
            **_: What else web3 passes on to `requests`.

        Raises:
            RpcError: There was no answer, or none that can be used.
        """
        name = self._location.name
        deadline = time.monotonic() + timeout
        try:
            return self._exchange_again(data, headers, deadline)
        except TimeoutError as error:
            message = f"{name} did not answer within {timeout:g} s"
            raise RpcError(message, failure=Failure.TIMEOUT) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            message = f"{name} cannot be reached: {type(error).__name__}"
            raise RpcError(message, failure=Failure.UNREACHABLE) from error

    def close(self) -> None:
        """Close the connection, also under an exchange; a later exchange opens another."""
        self._closed = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._drop()

    def _drop(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _exchange_again(self, data: bytes, headers: dict[str, str], deadline: float) -> Answer:
        """Exchange; once more where the node had closed a connection that was kept."""
        self._closed = False
        if self._socket is not None:
            try:
                return self._exchange(self._socket, data, headers, deadline)
            except ConnectionError:
                if self._closed:
                    raise
        self._socket = self._connect(deadline)
        return self._exchange(self._socket, data, headers, deadline)

    def _connect(self, deadline: float) -> socket.socket:
        place = self._location
        plain = socket.create_connection((place.host, place.port), timeout=left(deadline))
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                return plain
            plain.settimeout(left(deadline))
            return self._tls.wrap_socket(plain, server_hostname=place.host)
        except BaseException:
            plain.close()
            raise

    def _exchange(
        self, connection: socket.socket, data: bytes, headers: dict[str, str], deadline: float
    ) -> Answer:
        place = self._location
        client = http.client.HTTPConnection(place.host, place.port)
        client.sock = TimedSocket(connection, deadline)
        try:
            client.request("POST", place.target, data, {**headers, **place.credentials})
            response = client.getresponse()
            self._check_status(response)
            content = self._read(response)
        except BaseException:
            self._drop()
            raise
        if response.will_close:
            self._drop()
        return Answer(content)

    def _check_status(self, response: http.client.HTTPResponse) -> None:
        status = response.status
        if status not in _WITH_ANSWER:
            hint = "; redirects are not followed" if status // 100 == 3 else ""  # noqa: PLR2004 - the redirections
            message = f"{self._location.name} answered with status {status}{hint}"
            raise RpcError(message, failure=_STATUS.get(status, Failure.OTHER))
        if response.getheader("Content-Encoding", "identity").lower() != "identity":
            raise http.client.HTTPException

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        if response.length is not None and response.length > self._max_bytes:
            raise self._too_large()
        content = bytearray()
        while chunk := response.read(min(_CHUNK, self._max_bytes + 1 - len(content))):
            content += chunk
            if len(content) > self._max_bytes:
                raise self._too_large()
        if response.length:
            raise http.client.IncompleteRead(b"")
        return bytes(content)

    def _too_large(self) -> RpcError:
        return RpcError(
            f"{self._location.name} answers with more than {self._max_bytes} bytes",
            failure=Failure.RANGE_TOO_LARGE,
        )


def _is_visible(url: object) -> bool:
    """Return whether this is text in which nothing hides."""
    return isinstance(url, str) and url.isascii() and url.isprintable() and " " not in url


def _credentials(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def _no_url() -> InvalidInputError:
    return InvalidInputError(
        "a node is given by a URL such as http://HOST:8545 or https://HOST/PATH",
        code=Code.INVALID_OPTIONS,
    )
