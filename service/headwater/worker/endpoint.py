"""The service's HTTP endpoint: /healthz, /readyz and /metrics, for ECS and Prometheus; GET alone, and no secrets.

It listens on loopback unless told otherwise, answers a few requests at a time, and drops those that take long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import structlog

from headwater.errors import HeadwaterError

LOG = structlog.get_logger()
AT_ONCE = 8  # requests; more are closed unanswered
REQUEST_TIMEOUT_S = 5
CHECK_TIMEOUT_S = 5.0
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers."""

    status: HTTPStatus
    body: bytes
    content_type: str = JSON


Answers = Mapping[str, Callable[[], Answer]]  # path → what answers it


class Endpoint:
    """Serves until stopped, on threads of its own."""

    def __init__(self, host: str, port: int, answers: Answers) -> None:
        self._server = _Server((host, port), answers)
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens; of use with port 0."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        LOG.info("http_endpoint_started", host=self._server.server_address[0], port=self.port)

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Checks:
    """Named checks, run at once, each with a time limit; one that hangs is not begun again until it returns."""

    def __init__(self, checks: Mapping[str, Callable[[], object]], timeout_s: float = CHECK_TIMEOUT_S) -> None:
        self._checks = checks
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(max(len(checks), 1), thread_name_prefix="ready")
        self._running: dict[str, Future[object]] = {}
        self._lock = threading.Lock()

    def __call__(self) -> Answer:
        """200 where every check passes, else 503; says which do not, and no more than that: the reasons are logged."""
        with self._lock:
            for name, check in self._checks.items():
                if name not in self._running:
                    self._running[name] = self._pool.submit(check)
            results = {name: self._result(name) for name in self._checks}
        return report(results)

    def _result(self, name: str) -> str:
        running = self._running[name]
        try:
            running.result(self._timeout_s)
        except Late:
            return "no answer"
        except (HeadwaterError, OSError) as error:
            LOG.warning("not_ready", check=name, error=str(error))
            return "failed"
        finally:
            if running.done():
                del self._running[name]
        return "ok"


def report(results: Mapping[str, str]) -> Answer:
    """200 where every result is "ok", else 503."""
    is_well = all(result == "ok" for result in results.values())
    body = orjson.dumps({"status": "ok" if is_well else "failed", "checks": dict(results)})
    return Answer(HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE, body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], answers: Answers) -> None:
        self.answers = answers
        self.slots = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    timeout = REQUEST_TIMEOUT_S
    server_version = "headwater"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        """Answer a known path; close afterwards, so that nobody holds a thread."""
        found = self.server.answers.get(self.path.partition("?")[0])
        answer = found() if found else Answer(HTTPStatus.NOT_FOUND, b'{"status":"not found"}')
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes are not worth a line each."""
