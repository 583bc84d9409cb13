"""A web server on the loopback address, with a certificate authority of its own."""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "city.example"
ADDRESS = "127.0.0.1"

Behaviour = Callable[[ssl.SSLSocket], None]


@dataclass
class Server:
    """What a test knows of the server: where it is, whom to trust, what it was asked."""

    port: int
    trust: ssl.SSLContext
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def lookup(self, host: str, port: int) -> tuple[str, ...]:
        assert (host, port) == (HOST, self.port)
        return (ADDRESS,)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/did.json"


def answer(
    body: bytes = b"{}",
    *,
    status: str = "200 OK",
    media_type: str = "application/did",
    headers: tuple[str, ...] = (),
) -> Behaviour:
    """Return the behaviour of a server that answers once."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", *headers]
    if not any(line.lower().startswith(("content-length", "transfer")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([*lines, "", ""]).encode()
    return lambda connection: connection.sendall(head + body)


@contextmanager
def serving(behaviour: Behaviour, *, host: str = HOST) -> Iterator[Server]:
    """Serve one behaviour for every connection, until the block ends."""
    authority, context = _certified(host)
    with socket.create_server((ADDRESS, 0)) as listener:
        listener.settimeout(0.05)
        trust = ssl.create_default_context(cadata=authority)
        server = Server(listener.getsockname()[1], trust)
        stop = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, context, behaviour, server, stop))
        thread.start()
        try:
            yield server
        finally:
            stop.set()
            thread.join()


def _serve(
    listener: socket.socket,
    context: ssl.SSLContext,
    behaviour: Behaviour,
    server: Server,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        with suppress(OSError):
            plain, _ = listener.accept()
            server.connections += 1
            plain.settimeout(2)
            with plain, context.wrap_socket(plain, server_side=True) as connection:
                request = b""
                while b"\r\n\r\n" not in request:
                    chunk = connection.recv(4096)
                    if not chunk:
                        break
                    request += chunk
                server.requests.append(request)
                behaviour(connection)


@cache
def _certified(host: str) -> tuple[str, ssl.SSLContext]:
    """Return the certificate of an authority, and a context with one it gave to the host."""
    now = datetime.now(UTC)
    authority_key, host_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])

    def certificate(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
        )

    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    root = (
        certificate(authority, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    leaf = (
        certificate(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)]), host_key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = host_key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.pem"
        chain.write_bytes(secret + leaf.public_bytes(pem))
        context.load_cert_chain(chain)
    return root.public_bytes(pem).decode(), context
