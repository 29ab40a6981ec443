"""HTTPS to the services that take alerts: verified, bounded in time and size, and silent about secrets."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson
import urllib3
from pydantic import AfterValidator

from headwater.destinations.text import cut, one_line
from headwater.errors import DeliveryFailed, DeliveryRefused

CONNECT_S = 5.0
READ_S = 15.0  # between two pieces of an answer
WHOLE_S = 30.0  # an answer that drips
MAX_ANSWER = 1024 * 1024
MAX_SAID = 300  # characters of an answer in an error
LONGEST_WAIT_S = 86_400.0
PASSING = frozenset({408, 409, 425, 429})  # refusals that say: not now
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
AGENT = "headwater"


def _https(url: str) -> str:
    try:
        parts, _ = urlsplit(url), urlsplit(url).port
    except ValueError:
        raise ValueError("is not a URL") from None  # the cause would show it
    if not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)) or not parts.hostname:
        raise ValueError("must begin with https:// (http:// only to this machine)")
    if parts.username or parts.password or parts.fragment or re.search(r"\s", url):
        raise ValueError("must have no user, password, fragment or space in it")
    return url


HttpsUrl = Annotated[str, AfterValidator(_https)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said."""

    status: int
    body: bytes

    def fields(self) -> dict[str, Any]:
        """The JSON object of the body; empty for anything else."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}

    def list(self) -> Sequence[Any] | None:
        """The JSON array of the body; None for anything else."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        return found if isinstance(found, list) else None


class Https:
    """The client of one destination; shared by all threads. who: for errors, such as `slack destination secops`."""

    def __init__(self, who: str) -> None:
        self.who = who
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        settings: dict[str, Any] = {"timeout": timeout, "retries": False, "cert_reqs": "CERT_REQUIRED", "maxsize": 2}
        self._direct = urllib3.PoolManager(**settings)
        proxy = getproxies().get("https")
        self._proxied = urllib3.ProxyManager(proxy, **settings) if proxy else self._direct

    def send(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        hidden: Sequence[str] = (),
        allowed: Collection[int] = (),
        max_answer: int = MAX_ANSWER,
    ) -> Answer:
        """The answer, of status 2xx or an allowed one. A mapping goes out as JSON; redirects are not followed.

        hidden: the secrets of this request, which no error shows.
        Raises: DeliveryRefused, DeliveryFailed.
        """
        try:
            _https(url)
        except ValueError as error:
            raise DeliveryRefused(f"{self.who}: the URL {error}") from None
        response = self._request(method, url, _encoded(body), {"User-Agent": AGENT, **_type(body), **(headers or {})})
        answer = Answer(response.status, self._read(response, max_answer))
        if not 200 <= answer.status < 300 and answer.status not in allowed:
            raise self._error(urlsplit(url).hostname or "", answer, response.headers, hidden)
        return answer

    def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        host = urlsplit(url).hostname or ""
        direct = host in LOOPBACK or bool(proxy_bypass(host))
        pool = self._direct if direct else self._proxied
        try:
            return pool.request(method, url, body=body, headers=headers, redirect=False, preload_content=False)
        except (urllib3.exceptions.HTTPError, UnicodeError) as error:  # their texts have the URL, and so its secrets
            raise DeliveryFailed(f"{self.who}: {host} did not answer ({_reason(error)})") from None

    def _read(self, response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
        """The first bytes of a body; the connection serves again only if that was all."""
        ends, read = time.monotonic() + WHOLE_S, bytearray()
        try:
            while piece := response.read1(65_536):
                read += piece
                if len(read) > limit or time.monotonic() > ends:
                    response.close()
                    break
        except urllib3.exceptions.HTTPError as error:
            response.close()
            raise DeliveryFailed(f"{self.who}: the answer broke off ({_reason(error)})") from None
        response.release_conn()
        return bytes(read[:limit])

    def _error(
        self, host: str, answer: Answer, headers: Mapping[str, str], hidden: Sequence[str]
    ) -> DeliveryFailed | DeliveryRefused:
        said = masked(one_line(answer.body.decode(errors="replace")[:10_000]), hidden)
        text = f"{self.who}: {host} answered {answer.status}: {cut(said, MAX_SAID)}".rstrip(": ")
        wait_s = retry_after_s(headers, datetime.now(UTC))
        limited = answer.status == 403 and (wait_s is not None or headers.get("x-ratelimit-remaining") == "0")
        if answer.status in PASSING or answer.status >= 500 or limited:
            return DeliveryFailed(text, wait_s)
        if 300 <= answer.status < 400:
            text += " (redirects are not followed: write the address it leads to)"
        return DeliveryRefused(text)


def masked(text: str, hidden: Sequence[str]) -> str:
    """A text without the secrets."""
    for secret in hidden:
        text = text.replace(secret, "***") if secret else text
    return text


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """The pause that a Retry-After header asks for: seconds or a date."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        return min(float(value), LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((utc - now).total_seconds(), 0.0), LONGEST_WAIT_S)


def _encoded(body: Mapping[str, Any] | bytes | None) -> bytes | None:
    return orjson.dumps(body) if isinstance(body, Mapping) else body


def _type(body: Mapping[str, Any] | bytes | None) -> dict[str, str]:
    return {} if body is None else {"Content-Type": "application/json; charset=utf-8"}


def _reason(error: BaseException) -> str:
    cause = getattr(error, "reason", None)
    return type(cause if isinstance(cause, BaseException) else error).__name__
