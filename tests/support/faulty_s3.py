"""A proxy before the S3 of the local AWS that fails uploads."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

CODES = {"503": "SlowDown", "500": "InternalError", "403": "AccessDenied"}

HOP = ("expect", "transfer-encoding", "connection", "content-length")  # between two neighbours alone


@dataclass
class Faults:
    """What happens to the next uploads. kind: a status, "cut" (no answer), or "lost" (done, and no answer)."""

    url: str
    kind: str = ""
    left: int = 0
    seen: int = 0


@contextmanager
def faulty_s3(upstream: str) -> Iterator[Faults]:
    """A proxy on loopback; what is set in the Faults holds from then on."""
    faults = Faults("")

    class Handler(_Handler):
        pass

    Handler.faults, Handler.upstream = faults, urlsplit(upstream).netloc
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    faults.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield faults
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faults: Faults
    upstream: str

    def forward(self) -> None:
        """Pass a request on, unless it is an upload that is to fail."""
        body = self._body()
        fails = self.command == "PUT" and self.faults.left > 0
        if fails:
            self.faults.left -= 1
            self.faults.seen += 1
        if fails and self.faults.kind == "cut":
            self.close_connection = True
            return
        if fails and self.faults.kind in CODES:
            error = f"<Error><Code>{CODES[self.faults.kind]}</Code><Message>a fault</Message></Error>".encode()
            self._answer(int(self.faults.kind), {"Content-Type": "application/xml"}, error)
            return
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        connection.request(self.command, self.path, body, kept)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if fails:
            self.close_connection = True
            return
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
        self._answer(answer.status, dict(answer.headers), content, length)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, headers: dict[str, str], body: bytes, length: str | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
