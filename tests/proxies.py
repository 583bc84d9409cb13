"""A proxy on the loopback address in front of a node, which spoils what goes through it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from urllib.parse import urlsplit


class Proxy(ThreadingHTTPServer):
    """A proxy, as a test knows it.

    Attributes:
        url: Where it answers.
        deed: What it does with requests: the name of one of `DEEDS`.
        seconds: How long it hangs or drips.
        requests: How many came.
    """

    daemon_threads = True

    def __init__(self, node_url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.deed = "pass"
        self.seconds = 1.0
        self.requests = 0
        self.target = urlsplit(node_url).netloc
        self.ended = threading.Event()

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that died."""


@contextmanager
def proxy(node_url: str) -> Iterator[Proxy]:
    """Run a proxy until the block ends."""
    with Proxy(node_url) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_POST(self) -> None:
        self.server.requests += 1
        question = self.rfile.read(int(self.headers["Content-Length"]))
        with suppress(ConnectionError):
            DEEDS[self.server.deed](self, question)

    def forward(self, question: bytes) -> bytes:
        connection = HTTPConnection(self.server.target, timeout=30)
        try:
            connection.request("POST", "/", question, {"Content-Type": "application/json"})
            return connection.getresponse().read()
        finally:
            connection.close()

    def answer(
        self, content: bytes, status: int = 200, *, size: int | None = None, location: str = ""
    ) -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(content) if size is None else size))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _pass(handler: _Handler, question: bytes) -> None:
    handler.answer(handler.forward(question))


def _refuse(handler: _Handler, _: bytes) -> None:
    handler.close_connection = True


def _limit(handler: _Handler, _: bytes) -> None:
    handler.answer(b"slow down", 429)


def _hang(handler: _Handler, _: bytes) -> None:
    handler.server.ended.wait(handler.server.seconds)
    handler.close_connection = True


def _cut(handler: _Handler, question: bytes) -> None:
    content = handler.forward(question)
    handler.answer(content[: len(content) // 2], size=len(content))
    handler.close_connection = True


def _lose(handler: _Handler, question: bytes) -> None:
    handler.forward(question)
    handler.close_connection = True


def _drip(handler: _Handler, question: bytes) -> None:
    content = handler.forward(question)
    handler.answer(b"", size=len(content))
    for place in range(len(content)):
        handler.wfile.write(content[place : place + 1])
        handler.server.ended.wait(handler.server.seconds / len(content))


def _garbage(handler: _Handler, _: bytes) -> None:
    handler.answer(b'{"jsonrpc": "2.0", "id": 0, "result": "0x')


def _nest(handler: _Handler, _: bytes) -> None:
    handler.answer(b"[" * 100_000)


def _redirect(handler: _Handler, _: bytes) -> None:
    handler.answer(b"", 307, location=f"http://{handler.server.target}/")


DEEDS: Mapping[str, Callable[[_Handler, bytes], None]] = MappingProxyType(
    {
        "pass": _pass,
        "refuse": _refuse,
        "limit": _limit,
        "hang": _hang,
        "cut": _cut,
        "lose": _lose,
        "drip": _drip,
        "garbage": _garbage,
        "nest": _nest,
        "redirect": _redirect,
    }
)
"""What a proxy can do; ``lose`` passes a question on and never tells the answer."""
