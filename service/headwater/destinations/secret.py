"""References to secrets, which stand in files in place of the secrets, and the secrets they mean."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated

import orjson
from pydantic import AfterValidator

from headwater.aws import secrets
from headwater.errors import DeliveryFailed, DeliveryRefused

KEPT_S = 300.0  # after a rotation the new secret is in use five minutes later at the latest
FORM = re.compile(r"(?:secretsmanager:[^#\s]+(?:#\S+)?|ssm:/?[\w./-]+|env:[A-Za-z_]\w*)\Z")
FORMS = "secretsmanager:NAME-OR-ARN, secretsmanager:NAME-OR-ARN#json-key, ssm:/path or env:VARIABLE"


def _reference(text: str) -> str:
    if not FORM.match(text):
        raise ValueError(f"must be a reference to a secret, never the secret itself: {FORMS}")
    return text


SecretRef = Annotated[str, AfterValidator(_reference)]


class Secrets:
    """Secrets by reference, each kept for five minutes; shared by all threads.

    region: of Secrets Manager and the parameter store, unless an ARN says otherwise.
    """

    def __init__(
        self,
        region: str,
        environment: Mapping[str, str] = os.environ,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._region = region
        self._environment = environment
        self._clock_s = clock_s
        self._kept: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def __call__(self, reference: str) -> str:
        """The secret.

        Raises: DeliveryFailed or AccessDenied, for nothing was refused yet: a secret that comes later is used then.
        Neither has the secret in its text.
        """
        now = self._clock_s()
        with self._lock:
            kept = self._kept.get(reference)
        if kept and now < kept[0]:
            return kept[1]
        try:
            secret = self._fetch(reference).strip()
        except DeliveryRefused as error:
            raise DeliveryFailed(str(error)) from error
        if not secret:
            raise DeliveryFailed(f"the secret {reference} is empty")
        with self._lock:
            self._kept[reference] = (now + KEPT_S, secret)
        return secret

    def _fetch(self, reference: str) -> str:
        scheme, _, rest = reference.partition(":")
        if scheme == "env":
            return self._variable(rest)
        if scheme == "ssm":
            return secrets.parameter(rest, self._region)
        name, _, key = rest.partition("#")
        whole = secrets.secret(name, self._region)
        return _member(whole, key, reference) if key else whole

    def _variable(self, name: str) -> str:
        if name not in self._environment:
            raise DeliveryFailed(f"the environment variable {name} is not set")
        return self._environment[name]


def _member(whole: str, key: str, reference: str) -> str:
    try:
        fields = orjson.loads(whole)
    except orjson.JSONDecodeError:
        raise DeliveryFailed(f"the secret {reference} is not JSON") from None  # the cause would show it
    if not isinstance(fields, dict) or not isinstance(fields.get(key), str):
        raise DeliveryFailed(f"the secret {reference} has no text of that key")
    return str(fields[key])
