"""Any HTTPS endpoint: the alert as JSON, signed with a shared secret (HMAC-SHA256)."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

import orjson
from pydantic import Field

from headwater.destinations.destination import Destination
from headwater.destinations.https import Https, HttpsUrl
from headwater.destinations.kind import Config, ResolveSecret
from headwater.destinations.message import Message, fitted, message_json
from headwater.destinations.secret import SecretRef


class Settings(Config):
    """An endpoint."""

    url: HttpsUrl = Field(description="Where to POST.")
    signing_secret: SecretRef = Field(description="Secret of the signature, which the receiver knows as well.")
    bearer_token: SecretRef | None = Field(None, description="Token for an Authorization header.")
    max_bytes: int = Field(1_000_000, ge=10_000, le=10_000_000, description="Largest body the receiver takes.")


class Webhook:
    """One endpoint. clock_s: seconds since 1970."""

    def __init__(
        self, name: str, settings: Settings, resolve_secret: ResolveSecret, clock_s: Callable[[], float] = time.time
    ) -> None:
        self.name = name
        self._settings = settings
        self._resolve = resolve_secret
        self._clock_s = clock_s
        self._https = Https(f"webhook destination {name}")

    def send(self, message: Message) -> None:
        """POST one message."""
        body = fitted(message, lambda shorter: orjson.dumps(message_json(shorter)), len, self._settings.max_bytes)
        secret = self._resolve(self._settings.signing_secret)
        headers = {
            "Headwater-Signature": signature(secret, int(self._clock_s()), body),
            "Headwater-Action": message.action,
            "Idempotency-Key": message.idempotency_key,
        }
        hidden = [secret]
        if self._settings.bearer_token:
            hidden.append(self._resolve(self._settings.bearer_token))
            headers["Authorization"] = f"Bearer {hidden[-1]}"
        self._https.send("POST", self._settings.url, body, headers=headers, hidden=hidden)


def make(name: str, config: Settings, resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return Webhook(name, config, resolve_secret)


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`t=<seconds since 1970>,v1=<hex>`: HMAC-SHA256 of the time, a dot and the body.

    The time is signed so that a receiver can refuse a request that somebody sends again later.
    """
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"
