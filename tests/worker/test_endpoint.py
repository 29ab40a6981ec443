"""The HTTP endpoint answers its three paths, briefly and to anyone who waits politely."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

import pytest

from headwater.errors import StateUnavailable
from headwater.worker.endpoint import AT_ONCE, Answer, Answers, Checks, Endpoint, report

OK = Answer(HTTPStatus.OK, b'{"status":"ok"}')


@contextmanager
def serving(answers: Answers) -> Iterator[int]:
    endpoint = Endpoint("127.0.0.1", 0, answers)
    endpoint.start()
    try:
        yield endpoint.port
    finally:
        endpoint.stop()


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, dict(answer.getheaders())


def test_known_path_is_answered_whatever_is_asked_of_it() -> None:
    with serving({"/healthz": lambda: OK}) as port:
        status, body, headers = ask(port, "/healthz?verbose=1")

    assert (status, body) == (200, '{"status":"ok"}')
    assert (headers["Content-Type"], headers["Connection"]) == ("application/json", "close")
    assert headers["Server"].strip() == "headwater"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/", "GET", 404), ("/healthz/../etc", "GET", 404), ("/healthz", "POST", 501), ("/healthz", "DELETE", 501)],
)
def test_everything_else_is_refused(path: str, method: str, status: int) -> None:
    with serving({"/healthz": lambda: OK}) as port:
        assert ask(port, path, method)[0] == status


def test_crowd_is_turned_away_and_its_end_lets_others_in() -> None:
    release = threading.Event()

    def slow() -> Answer:
        release.wait(30)
        return OK

    with serving({"/slow": slow, "/healthz": lambda: OK}) as port, ExitStack() as stack:
        waiting = [_begin(stack, port) for _ in range(AT_ONCE)]
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            _until_refused(port)
        release.set()
        assert [connection.getresponse().status for connection in waiting] == [200] * AT_ONCE


def _begin(stack: ExitStack, port: int) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    stack.callback(connection.close)
    connection.request("GET", "/slow")
    return connection


def _until_refused(port: int) -> None:
    """The server takes connections in their order, so at most as many answers come as slots were still free."""
    for _ in range(AT_ONCE + 1):
        ask(port, "/healthz")


def test_client_that_says_nothing_holds_no_one_up() -> None:
    with serving({"/healthz": lambda: OK}) as port, socket.create_connection(("127.0.0.1", port)):
        assert ask(port, "/healthz")[0] == 200


def unavailable() -> None:
    raise StateUnavailable("state database postgresql://user:***@db.example.com: refused")


@pytest.mark.parametrize(
    ("check", "status", "word"),
    [(lambda: None, 200, "ok"), (unavailable, 503, "failed")],
    ids=["answers", "does not answer"],
)
def test_readiness_names_the_check_and_tells_nothing_else(check: Callable[[], object], status: int, word: str) -> None:
    answer = Checks({"database": check, "queue": lambda: 1})()

    assert answer.status == status
    assert json.loads(answer.body)["checks"] == {"database": word, "queue": "ok"}
    assert b"example.com" not in answer.body


def test_check_that_hangs_is_not_begun_again_until_it_returns() -> None:
    release, begun = threading.Event(), list[int]()

    def hang() -> None:
        begun.append(1)
        release.wait(30)

    checks = Checks({"lake": hang}, timeout_s=0.01)
    words = [json.loads(checks().body)["checks"]["lake"] for _ in range(3)]
    release.set()

    assert (words, len(begun)) == (["no answer"] * 3, 1)


def test_report_is_well_where_nothing_is_wrong() -> None:
    assert report({}).status == 200
    assert report({"loop": "stalled"}).status == 503
