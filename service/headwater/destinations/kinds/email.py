"""E-mail through any SMTP server with TLS, Amazon SES among them: text and HTML."""

from __future__ import annotations

import hashlib
import html
import smtplib
import ssl
from collections.abc import Callable, Iterator
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from headwater.destinations.destination import Destination
from headwater.destinations.form import facts, footer, headline, links, plain, sections
from headwater.destinations.https import LOOPBACK
from headwater.destinations.kind import Config, ResolveSecret
from headwater.destinations.message import Message, fitted
from headwater.destinations.secret import SecretRef
from headwater.errors import DeliveryFailed, DeliveryRefused

MAX_BODY = 400_000  # bytes of a whole message; servers take 10 MB at least, people less
MAX_SUBJECT = 200
TIMEOUT_S = 20.0
COLORS = {"CRITICAL": "#b3001b", "HIGH": "#c2410c", "MEDIUM": "#8a6100", "LOW": "#1d4ed8", "INFO": "#4b5563"}
CODE_STYLE = (
    "font:12px/1.45 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;word-break:break-word;"
    "border:1px solid #8886;border-radius:6px;padding:10px;margin:4px 0 0"
)


def _address(text: str) -> str:
    if any(ord(char) < 33 or char in '<>,;"' for char in text):
        raise ValueError("must be one plain address, such as soc@example.com")
    Address(addr_spec=text)
    return text


MailAddress = Annotated[str, Field(max_length=320), AfterValidator(_address)]


class Settings(Config):
    """A server and the people."""

    host: str = Field(
        pattern=r"^[A-Za-z0-9_.:-]+$", description="Name of the server, e.g. email-smtp.us-east-1.amazonaws.com."
    )
    port: int = Field(587, ge=1, le=65_535, description="587 for starttls, 465 for tls.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls, tls from the first byte, or none: to this machine only."
    )
    user: str | None = Field(None, description="Name to log in with; SES: the SMTP user name.")
    password: SecretRef | None = Field(None, description="Its password; SES: the SMTP password.")
    sender: MailAddress = Field(description="Address the mail comes from; SES: a verified one.")
    recipients: tuple[MailAddress, ...] = Field(min_length=1, max_length=50, description="Addresses it goes to.")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password belong together")
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError("security: none is for a server on this machine only")
        return self


class Email:
    """One list of recipients. tls: trusts what the machine trusts, unless a test says otherwise."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        resolve_secret: ResolveSecret,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self.name = name
        self._settings = settings
        self._resolve = resolve_secret
        self._tls = tls

    def send(self, message: Message) -> None:
        """Send one mail. Its Message-ID comes from the idempotency key: many servers drop a second one of the same."""
        made = fitted(message, lambda shorter: rendered(shorter, self._settings), len, MAX_BODY)
        where = f"email destination {self.name}: {self._settings.host}"
        try:
            with self._connected() as server:
                refused = server.sendmail(self._settings.sender, list(self._settings.recipients), made)
        except smtplib.SMTPRecipientsRefused as error:
            raise _by_code(where, *next(iter(error.recipients.values()))) from None
        except smtplib.SMTPResponseException as error:
            raise _by_code(where, error.smtp_code, error.smtp_error) from None
        except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
            raise DeliveryFailed(f"{where}: {type(error).__name__}") from None
        if refused:  # the others have it; a second try would give them a second one
            raise DeliveryRefused(f"{where} refused {', '.join(sorted(refused))}")

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=TIMEOUT_S, context=self._tls()
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S)
        try:
            if settings.security == "starttls":
                server.starttls(context=self._tls())
            if settings.user and settings.password:
                server.login(settings.user, self._resolve(settings.password))
        except BaseException:
            server.close()
            raise
        return server


def make(name: str, config: Settings, resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return Email(name, config, resolve_secret)


def rendered(message: Message, settings: Settings) -> bytes:
    """The mail as it goes over the wire."""
    mail = EmailMessage(policy=SMTP)
    domain = settings.sender.rpartition("@")[2]
    mail["From"] = Address("Headwater", addr_spec=settings.sender)
    mail["To"] = [Address(addr_spec=recipient) for recipient in settings.recipients]
    mail["Subject"] = headline(message, MAX_SUBJECT)
    mail["Date"] = format_datetime(message.updated_at)
    mail["Message-ID"] = f"<{_hash(message.idempotency_key)}@{domain}>"
    mail["References"] = f"<{_hash(message.alert_id)}@{domain}>"  # all mails of an alert make one conversation
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Headwater-Alert"] = message.alert_id
    mail.set_content(plain(message), cte="quoted-printable")
    mail.add_alternative(page(message), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"headwater-{_hash(message.idempotency_key)}")
    return mail.as_bytes()


def page(message: Message) -> str:
    """The HTML part: no scripts, no images, nothing fetched; all text is escaped."""
    return "".join(_page(message))


def _page(message: Message) -> Iterator[str]:
    color = "#15803d" if message.action == "resolved" else COLORS.get(message.severity, COLORS["INFO"])
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="color-scheme" content="light dark"></head>'
    yield '<body style="font:14px/1.5 system-ui,Segoe UI,Helvetica,Arial,sans-serif;margin:0;padding:16px">'
    yield f'<div style="max-width:680px;border-left:6px solid {color};padding-left:14px">\n'
    yield f'<h1 style="font-size:18px;margin:0 0 10px">{_escaped(headline(message))}</h1>\n<table>\n'
    for fact in facts(message):
        yield f'<tr><td style="padding:1px 14px 1px 0;opacity:.7;vertical-align:top">{fact.label}</td>'
        yield f'<td style="padding:1px 0;word-break:break-word">{_escaped(fact.value)}</td></tr>\n'
    yield "</table>\n"
    for section in sections(message):
        yield f'<h2 style="font-size:14px;margin:14px 0 0">{section.heading}</h2>\n'
        tag, style = ("pre", CODE_STYLE) if section.code else ("p", "margin:2px 0 0;white-space:pre-wrap")
        yield f'<{tag} style="{style}">{_escaped(section.body)}</{tag}>\n'
    for link in links(message):
        url = _escaped(link.value)
        yield f'<p style="margin:14px 0 0">{link.label}: <a href="{url}">{url}</a></p>\n'
    yield f'<p style="margin:14px 0 0;font-size:12px;opacity:.7">{_escaped(footer(message))}</p>\n'
    yield "</div></body></html>\n"


def _escaped(text: str) -> str:
    return html.escape(text, quote=True)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def _by_code(where: str, code: int, said: bytes | str) -> DeliveryFailed | DeliveryRefused:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    shown = f"{where} answered {code} {' '.join(text.split())[:200]}"
    return DeliveryRefused(shown) if 500 <= code < 600 else DeliveryFailed(shown)
