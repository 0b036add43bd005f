"""GoDaddy's API for the records of one zone, played for tests."""

from __future__ import annotations

import datetime
import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "api.godaddy.com"
ZONE = "example.com"
CREDENTIALS = {"key": "the-key", "secret": "hush"}


class Registrar:
    """The records of one zone, and what was written to them."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records = list(records)
        self.writes: list[str] = []

    def answer(self, method: str, path: str, authorization: str, body: str) -> tuple[int, str]:
        """Return status and content of the answer to a request."""
        if authorization != "sso-key the-key:hush":
            return 403, '{"code": "ACCESS_DENIED"}'
        _, _version, _domains, zone, *rest = path.split("/")
        if zone != ZONE:
            return 404, '{"code": "NOT_FOUND"}'
        if not rest:
            return 200, '{"domainId": 1}'
        selected = dict(zip(("type", "name"), rest[1:], strict=False))
        chosen = [each for each in self.records if selected.items() <= each.items()]
        if method != "GET":
            self.writes.append(f"{method} {'/'.join(rest)}")
            given = json.loads(body or "[]")
            self.records = [each for each in self.records if each not in chosen]
            self.records += [selected | record for record in given]
        return 200, json.dumps(chosen)


@contextmanager
def proxy(registrar: Registrar, certificate: Path) -> Iterator[str]:
    """Run a proxy that leads to the registrar and nowhere else; return its URL.

    The certificate that clients have to trust is written to a file.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _write_certificate(certificate)
    context.load_cert_chain(certificate)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            """Take the place of the host that a client asks for."""
            if not self.path.startswith(HOST):
                self.send_error(403)
                return
            self.send_response(200)
            self.end_headers()
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb")

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            authorization = self.headers.get("Authorization", "")
            status, content = registrar.answer(self.command, self.path, authorization, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content.encode())

        do_GET = do_PUT = do_DELETE = _answer  # noqa: N815 - the server looks for these names

        def log_message(self, *_arguments: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _write_certificate(file: Path) -> None:
    """Write a self-signed certificate for the API's host, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
