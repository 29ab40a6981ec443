"""E-mail, to a real SMTP server of this machine."""

from __future__ import annotations

import email
import email.policy
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from headwater.destinations.kinds.email import Email, Settings
from headwater.errors import DeliveryFailed, DeliveryRefused
from support.alerts import message
from support.receivers.mail import PASSWORD, USER, Mailbox, running

BASE = {
    "host": "localhost",
    "user": USER,
    "password": "env:PASSWORD",
    "sender": "headwater@example.com",
    "recipients": ["soc@example.com", "oncall@example.com"],
}


def destination(mailbox: Mailbox, certificate: Path, password: str = PASSWORD, **fields: Any) -> Email:
    """Trusts the test's certificate."""
    settings = Settings.model_validate({**BASE, "port": mailbox.port, **fields})
    trusting: Callable[[], ssl.SSLContext] = lambda: ssl.create_default_context(cafile=str(certificate))  # noqa: E731
    return Email("test", settings, {"env:PASSWORD": password}.__getitem__, trusting)


def parsed(mail: bytes) -> EmailMessage:
    found = email.message_from_bytes(mail, policy=email.policy.SMTP)
    assert isinstance(found, EmailMessage)
    return found


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_over_tls_to_everybody(security: str, tls: ssl.SSLContext, certificate: Path) -> None:
    with running(tls, from_first_byte=security == "tls") as mailbox:
        destination(mailbox, certificate, security=security).send(message())

    (mail,) = map(parsed, mailbox.mails)
    assert mailbox.encrypted == [True]
    assert mail["To"] == "soc@example.com, oncall@example.com"
    assert mail["Subject"] == "[HIGH] CloudTrail organization-trail stopped by ci-42"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_second_try_has_the_same_message_id_and_another_action_not(tls: ssl.SSLContext, certificate: Path) -> None:
    with running(tls) as mailbox:
        for one in (message(), message(), message(action="resolved")):
            destination(mailbox, certificate).send(one)

    first, again, resolved = (parsed(mail) for mail in mailbox.mails)
    assert first["Message-ID"] == again["Message-ID"] != resolved["Message-ID"]
    assert first["References"] == resolved["References"]


def test_hostile_title_adds_no_header_and_no_recipient(tls: ssl.SSLContext, certificate: Path) -> None:
    with running(tls) as mailbox:
        destination(mailbox, certificate).send(message("hostile"))

    (mail,) = map(parsed, mailbox.mails)
    assert mail["Bcc"] is None
    assert mail["To"] == "soc@example.com, oncall@example.com"
    assert "\n" not in mail["Subject"]


def test_hostile_text_adds_no_element_to_the_page(tls: ssl.SSLContext, certificate: Path) -> None:
    with running(tls) as mailbox:
        destination(mailbox, certificate).send(message("hostile"))

    (mail,) = map(parsed, mailbox.mails)
    page = mail.get_body(("html",))
    assert page is not None
    assert [
        bad for bad in ("<script", "<img", "<b>", "<at>", 'javascript:alert(1)"') if bad in page.get_content()
    ] == []


def test_untrusted_server_gets_neither_password_nor_mail(tls: ssl.SSLContext) -> None:
    with running(tls) as mailbox:
        settings = Settings.model_validate({**BASE, "port": mailbox.port})
        with pytest.raises(DeliveryFailed, match="SSL"):
            Email("test", settings, {"env:PASSWORD": PASSWORD}.__getitem__).send(message())

    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"RCPT": "550 5.1.1 no such user"}, DeliveryRefused),
        ({"RCPT": "450 4.2.1 try later"}, DeliveryFailed),
        ({"MAIL": "554 5.7.1 sender refused"}, DeliveryRefused),
        ({"MAIL": "454 4.7.0 throttled"}, DeliveryFailed),
        ({"DATA": "552 5.3.4 too big"}, DeliveryRefused),
        ({"EHLO": "421 4.3.2 going down", "HELO": "421 4.3.2 going down"}, DeliveryFailed),
    ],
    ids=lambda value: str(value)[:24],
)
def test_refusal_says_whether_to_try_again(
    answers: dict[str, str], error: type[Exception], tls: ssl.SSLContext, certificate: Path
) -> None:
    with running(tls) as mailbox:
        mailbox.answers |= answers
        with pytest.raises(error):
            destination(mailbox, certificate).send(message())


def test_wrong_password_is_not_shown(tls: ssl.SSLContext, certificate: Path) -> None:
    with running(tls) as mailbox, pytest.raises(DeliveryRefused, match="535") as raised:
        destination(mailbox, certificate, "the-wrong-password").send(message())

    assert "the-wrong-password" not in str(raised.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"security": "none", "host": "mail.example.com"},
        {"recipients": []},
        {"recipients": ["soc@example.com, other@example.com"]},
        {"recipients": ["soc@example.com\r\nBcc: other@example.com"]},
        {"sender": "Headwater <headwater@example.com>"},
        {"password": "a-literal-password"},
        {"user": None},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_unsafe_settings_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Settings.model_validate({**BASE, **fields})
