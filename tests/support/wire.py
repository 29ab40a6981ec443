"""AWS as a script: what goes out by HTTP is written down, what comes back is said by the test."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session
from urllib3.response import HTTPResponse

from headwater.model import Source

CUSTOMER = "111122223333"
ROLE = f"arn:aws:iam::{CUSTOMER}:role/headwater-reader"
KEY = f"arn:aws:kms:us-east-1:{CUSTOMER}:key/00000000-0000-4000-8000-000000000001"
SOURCE = Source(
    CUSTOMER,
    "payments",
    "trail",
    "payments-logs",
    "AWSLogs/",
    region="us-east-1",
    role_arn=ROLE,
    external_id="example-external-id",
    kms_key_arn=KEY,
)


@dataclass(frozen=True)
class Sent:
    """One request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str

    @property
    def host(self) -> str:
        return str(urlsplit(self.url).hostname)

    @property
    def service(self) -> str:
        return "sts" if self.host.startswith("sts.") else "s3"

    @property
    def parameters(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body).items()}


Reply = tuple[int, Mapping[str, str], bytes | io.RawIOBase]


@dataclass
class Wire:
    """answers: what S3 says, one after the other; the last for ever. s3, sts: instead, what they say to a request."""

    answers: list[Reply] = field(default_factory=list)
    s3: Callable[[Sent], Reply] | None = None
    sts: Callable[[Sent], Reply] | None = None
    sent: list[Sent] = field(default_factory=list)

    def to(self, service: str) -> list[Sent]:
        """The requests to a service."""
        return [each for each in self.sent if each.service == service]

    def reply(self, sent: Sent) -> Reply:
        self.sent.append(sent)
        if sent.service == "sts":
            return self.sts(sent) if self.sts else session(len(self.to("sts")))
        if self.s3:
            return self.s3(sent)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def connect(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """From now on no request leaves this process."""
    made = Wire()

    def send(_self: Any, request: Any) -> AWSResponse:
        headers = {name: _text(value) for name, value in request.headers.items()}
        status, given, body = made.reply(Sent(request.method, request.url, headers, _text(request.body or b"")))
        stream = body if isinstance(body, io.RawIOBase) else io.BytesIO(body)
        raw: Any = HTTPResponse(
            body=stream, headers=given, status=status, preload_content=False, request_method=request.method
        )
        return AWSResponse(request.url, status, raw.headers, raw)

    monkeypatch.setattr(URLLib3Session, "send", send)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # botocore's own pauses between tries
    return made


def session(number: int = 1, expires: str = "2099-01-01T00:00:00Z") -> Reply:
    """STS's answer to AssumeRole."""
    keys = f"<AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    made = f"<Credentials>{keys}<Expiration>{expires}</Expiration></Credentials>"
    text = f"<AssumeRoleResponse><AssumeRoleResult>{made}</AssumeRoleResult></AssumeRoleResponse>"
    return 200, {"Content-Type": "text/xml"}, text.encode()


def sts_refusal(code: str, message: str) -> Reply:
    """An error of STS."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return 403, {"Content-Type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>".encode()


def s3_error(
    status: int, code: str, message: str = "", headers: Mapping[str, str] | None = None, more: str = ""
) -> Reply:
    """An error of S3."""
    text = f"<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
    return status, {"Content-Type": "application/xml", **(headers or {})}, text.encode()


def whole(data: bytes, etag: str = "e1") -> Reply:
    """An object."""
    return 200, {"Content-Length": str(len(data)), "ETag": f'"{etag}"'}, data


def rest(data: bytes, start: int, etag: str = "e1") -> Reply:
    """An object from a byte on."""
    part = data[start:]
    shown = f"bytes {start}-{len(data) - 1}/{len(data)}"
    return 206, {"Content-Length": str(len(part)), "Content-Range": shown, "ETag": f'"{etag}"'}, part


def breaking(data: bytes, *ends: int) -> Callable[[Sent], Reply]:
    """Serves an object from the byte that is asked for; the first connections are cut at these bytes."""
    left = list(ends)

    def serve(sent: Sent) -> Reply:
        start = int(sent.headers["Range"].removeprefix("bytes=").rstrip("-")) if "Range" in sent.headers else 0
        status, headers, body = rest(data, start) if "Range" in sent.headers else whole(data)
        return (status, headers, Broken(data[start : left.pop(0)])) if left else (status, headers, body)

    return serve


class Broken(io.RawIOBase):
    """A body whose connection is cut behind some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._data.read(len(buffer))
        if not part:
            raise ConnectionResetError("cut")
        buffer[: len(part)] = part
        return len(part)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
