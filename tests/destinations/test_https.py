"""The HTTPS client: bounded in time and size, verified, and silent about secrets."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from headwater.destinations import https
from headwater.destinations.https import Https, retry_after_s
from headwater.errors import DeliveryFailed, DeliveryRefused
from support.receivers.server import Receiver, Reply, Service, running

Start = Callable[[Service], Receiver]


def test_silent_service_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "READ_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DeliveryFailed, match="ReadTimeoutError"):
        Https("test").send("POST", f"http://127.0.0.1:{silent.getsockname()[1]}/", {})


def test_dripping_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "WHOLE_S", 0.0)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as dripping:
        threading.Thread(target=_drip, args=(dripping, over), daemon=True).start()

        answer = Https("test").send("POST", f"http://127.0.0.1:{dripping.getsockname()[1]}/", {})

        over.set()
    assert len(answer.body) < 1_000


def _drip(server: socket.socket, over: threading.Event) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n.")
        over.wait(30)


def test_answer_that_breaks_off_is_tried_again(start: Start) -> None:
    receiver = start(lambda _: Reply(200, b"half", {"Content-Length": "4000", "Connection": "close"}))
    receiver.service = lambda _: Reply(200, b"half", {"Content-Length": "4000", "Connection": "close"})

    with pytest.raises(DeliveryFailed, match="broke off"):
        Https("test").send("POST", receiver.url, {})


def test_endless_answer_is_read_in_part(start: Start) -> None:
    receiver = start(lambda _: Reply(200, b"x" * 3_000_000))

    answer = Https("test").send("POST", receiver.url, {})

    assert len(answer.body) == https.MAX_ANSWER


def test_unverified_server_is_not_spoken_to(tls: ssl.SSLContext) -> None:
    with running(lambda _: Reply(200), tls) as receiver, pytest.raises(DeliveryFailed, match="SSLError"):
        Https("test").send("POST", receiver.url, {"secret": "s"})

    assert receiver.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "http://127.0.0.1.example.com/",
        "ftp://example.com/",
        "https://user:pass@example.com/",
        "https://example.com/a b",
        "https://example.com/#part",
        "https:///hook",
        "https://[::1",
        "https://example.com:port/",
        "/hook",
        "",
    ],
)
def test_address_that_is_not_https_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(DeliveryRefused, match="the URL ") as raised:
        Https("test").send("POST", url, {})

    assert not url or url not in str(raised.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("1.5", 1.5),
        ("999999999", 86_400.0),
        ("Sun, 01 Mar 2026 10:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_pause_is_read_as_seconds_or_date(value: str, expected: float | None) -> None:
    assert retry_after_s({"Retry-After": value}, datetime(2026, 3, 1, 10, 0, tzinfo=UTC)) == expected


def test_long_answer_is_told_in_one_short_line(start: Start) -> None:
    receiver = start(lambda _: Reply(400, b"<html>\r\n\x1b[31m" + b"why " * 1_000))

    with pytest.raises(DeliveryRefused) as raised:
        Https("test").send("POST", receiver.url, {})

    assert len(str(raised.value)) < 400
    assert str(raised.value).isprintable()
