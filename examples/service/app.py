"""A verifier as a web service: it sends challenges, and judges the presentations that come back.

    python app.py --issuer did:key:z6Mk... --domain pool.city.example

It listens on the loopback interface; TLS and the limits on rate belong to the proxy before it.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cityid import CityIdError, Verifier, did, policy, registry, strict_json
from cityid.nonces import FileNonces, fresh_nonce

MAX_BODY = 100_000
PATIENCE = 10.0  # seconds for one request: a slow client holds a thread no longer
LIFETIME = timedelta(minutes=5)


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """A request that gets another answer than it asked for."""

    def __init__(self, status: HTTPStatus, title: str) -> None:
        super().__init__(title)
        self.status = status


class Service(ThreadingHTTPServer):
    """The verifier with its policy, shared by all requests."""

    daemon_threads = True

    def __init__(
        self,
        port: int,
        issuers: list[str],
        domain: str,
        nonces: Path,
        ledger: registry.Registry | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.domain = domain
        self.policy = policy.access(issuers=issuers, age_over=18)
        # issued_only: an answer to a challenge that this service never sent counts for nothing.
        self.nonces = FileNonces(nonces, issued_only=True)
        # Without a registry a credential that can be revoked is never permitted: nobody can tell.
        self.verifier = Verifier(resolver=did.resolver(ledger), registry=ledger, nonces=self.nonces)

    def challenge(self) -> dict[str, Any]:
        """Send a challenge that is good for one answer within five minutes."""
        challenge, expires = fresh_nonce(), datetime.now(UTC) + LIFETIME
        self.nonces.issue(challenge, expires=expires)
        return {"challenge": challenge, "domain": self.domain, "expires": expires.isoformat()}

    def judge(self, body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
        """Judge a presentation: 200 and the report if it is permitted, else 403 and the report."""
        message = strict_json.parse_object(body)
        challenge, presentation = message.get("challenge"), message.get("presentation")
        if not isinstance(challenge, str) or not challenge or not isinstance(presentation, dict):
            raise Refusal(HTTPStatus.BAD_REQUEST, "send a challenge and a presentation")
        result = self.verifier.verify(
            presentation, policy=self.policy, challenge=challenge, domain=self.domain
        )
        return (HTTPStatus.OK if result else HTTPStatus.FORBIDDEN), result.to_dict()


class Handler(BaseHTTPRequestHandler):
    """Two paths, JSON in and out."""

    server: Service
    timeout = PATIENCE

    def do_POST(self) -> None:
        """Answer `POST /challenge` and `POST /present`."""
        try:
            self._answer(*self._routed(self._body()))
        except Refusal as refusal:
            self._answer(refusal.status, {"title": str(refusal)})
        except ValueError as error:  # what was sent is unreadable
            self._answer(HTTPStatus.BAD_REQUEST, {"title": str(error)})
        except CityIdError:  # the world failed; the caller need not know how
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"title": "try again later"})

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer in JSON what is refused before it reaches a path: a method, a malformed line."""
        del explain
        if code == HTTPStatus.NOT_IMPLEMENTED:
            code, message = HTTPStatus.METHOD_NOT_ALLOWED, "send a POST to /challenge or /present"
        status = HTTPStatus(code)
        self.close_connection = True
        self._answer(status, {"title": message or status.phrase})

    def _routed(self, body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
        if self.path == "/challenge":
            return HTTPStatus.OK, self.server.challenge()
        if self.path == "/present":
            return self.server.judge(body)
        raise Refusal(HTTPStatus.NOT_FOUND, "there are /challenge and /present")

    def _body(self) -> bytes:
        """Read the body, but never more than the cap; its length must be told beforehand."""
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "send a Content-Length")
        if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BODY} bytes")
        return self.rfile.read(int(length))

    def _answer(self, status: HTTPStatus, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "POST")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def issuer(text: str) -> str:
    """Return the DID of an issuer, as the command line gives it."""
    try:
        return str(did.parse(text))
    except CityIdError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    options.add_argument("--issuer", action="append", type=issuer, required=True, help="a DID")
    options.add_argument("--domain", required=True, help="this service's domain")
    options.add_argument("--port", type=int, default=8080)
    options.add_argument("--nonces", type=Path, default=Path("challenges.db"))
    options.add_argument("--registry", help="with the status lists: file:city.registry")
    given = options.parse_args()
    try:
        found = registry.connect(given.registry) if given.registry else None
        service = Service(given.port, given.issuer, given.domain, given.nonces, found)
    except (OSError, OverflowError, CityIdError) as error:
        options.exit(3, f"cannot serve on port {given.port}: {error}\n")
    with service:
        print(f"listening on http://127.0.0.1:{service.server_port}", flush=True)
        service.serve_forever()
