"""A stand-in for the PyGrid node: HTTPS on the loopback interface, with answers by script."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Sent:
    """A request that the node got."""

    method: str
    target: str
    authorization: str
    body: bytes


@dataclass
class NodeServer:
    """Where the node answers, with which certificate, what it got and what it will answer.

    An answer is a status, a body, and the length that the body is said to have.
    """

    host: str
    certificate: str
    requests: list[Sent] = field(default_factory=list)
    answers: list[tuple[int, bytes, int]] = field(default_factory=list)

    def answer(self, status: int, body: bytes, length: int | None = None) -> None:
        """Add an answer; the last one is given for ever."""
        self.answers.append((status, body, len(body) if length is None else length))


def self_signed(address: str = "127.0.0.1") -> tuple[str, str]:
    """Return a certificate for an address, valid for an hour, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return certificate.public_bytes(pem).decode(), key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@contextmanager
def node_server(folder: Path, address: str = "127.0.0.1") -> Iterator[NodeServer]:
    """Run a node with a certificate of its own for `address`."""
    certificate, key = self_signed(address)
    (folder / "node.pem").write_text(certificate + key)
    server: NodeServer

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            authorization = self.headers.get("Authorization", "")
            server.requests.append(Sent(self.command, self.path, authorization, body))
            status, content, length = server.answers[0]
            if len(server.answers) > 1:
                del server.answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)

        def __getattr__(self, name: str) -> object:
            # The base class looks for a method of the name of each request's.
            if name.startswith("do_"):
                return self.handle_one
            raise AttributeError(name)

        def log_message(self, *_arguments: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "node.pem")
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        server = NodeServer(f"127.0.0.1:{listener.server_port}", certificate)
        thread = threading.Thread(target=listener.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
