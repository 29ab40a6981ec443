"""An HTTP server of one test, which records what it is asked and answers as a service would."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Undocumented(Exception):
    """A request that the service's documentation does not allow."""


def need(condition: object, what: str) -> None:
    """Refuse a request unless so."""
    if not condition:
        raise Undocumented(what)


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        need(self.headers.get("content-type", "").startswith("application/json"), "Content-Type is not JSON")
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> bytes:
        return (
            self.body if isinstance(self.body, bytes) else b"" if self.body is None else json.dumps(self.body).encode()
        )


Service = Callable[[Request], Reply]


@dataclass
class Receiver:
    """A running server. next: answers given before the service is asked, one each."""

    url: str
    service: Service
    requests: list[Request] = field(default_factory=list)
    next: list[Reply] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        if self.next:
            return self.next.pop(0)
        try:
            return self.service(request)
        except Undocumented as error:
            return Reply(400, {"error": f"undocumented: {error}"})


@contextmanager
def running(service: Service, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A service on a free port of this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls else "http"
    server.receiver = Receiver(f"{scheme}://127.0.0.1:{server.server_address[1]}", service)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.receiver  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that goes away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.receiver.answer(Request(self.command, parts.path, query, headers, body))  # type: ignore[attr-defined]
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.payload)))
        self.end_headers()
        self.wfile.write(reply.payload)

    do_GET = do_POST = do_PATCH = do_PUT = _serve

    def log_message(self, *_: object) -> None:
        """Nothing."""
