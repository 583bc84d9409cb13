"""A node on the loopback address with the chain of this process behind it: needs no program."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import chains
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.nodes.rpc import Endpoint


@dataclass(frozen=True, slots=True)
class Served:
    """A chain that is served.

    Attributes:
        url: Where it answers.
        chain: The chain.
    """

    url: str
    chain: chains.InProcess


@contextmanager
def served() -> Iterator[Served]:
    """Serve a new chain until the block ends."""
    chain = chains.in_process()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer; two would wait for each other
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:  # the chain is not made for threads
                many = [_answer(chain.control, one) for one in _listed(asked)]
            body = json.dumps(many if isinstance(asked, list) else many[0]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{server.server_port}", chain)
        finally:
            server.shutdown()
            thread.join()


def _listed(asked: Any) -> list[Any]:
    return asked if isinstance(asked, list) else [asked]


def _answer(endpoint: Endpoint, asked: dict[str, Any]) -> dict[str, Any]:
    said = {"jsonrpc": "2.0", "id": asked["id"]}
    try:
        return said | {"result": endpoint.request(asked["method"], asked["params"])}
    except RpcError as error:
        words = str(error)
        if error.failure is Failure.REVERTED:
            words = f"execution reverted: {error.reason or ''}"
        return said | {"error": {"code": -32000, "message": words}}
