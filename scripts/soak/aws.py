"""The AWS of the soak test: moto, with objects, a queue and faults of our own before it, in one process.

moto serves STS, IAM, Glue and the lake's S3; Glue's versions of tables, which it does not compare, are compared here,
or the last of two writers would win. Its queue has no lock, so that it loses messages under several clients,
and each receive costs 0.5 ms for every message that waits; its GetObject costs 2.2 ms, and 200,000 bodies would have to
be kept. So the queue and the customers' objects are served here, over the same HTTP.

A customer's key ends in `KIND-NUMBER.json.gz`: the kind says what is wrong with the object (see KINDS), and its bytes
are those of a few templates. Faults are drawn by a fixed seed from RATE.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import heapq
import io
import itertools
import json
import os
import random
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

CENTRAL, REGION = "999988887777", "us-east-1"
CUSTOMERS = "/soak-logs-"
LAKE = "/soak-lake/"
KEY = re.compile(r"/(soak-logs-\d+)/.*_([a-z0-9]+)-(\d+)\.json\.gz$")
LASTING = ("corrupt", "truncated", "missing", "denied", "unknown")  # never done; "unknown" is of a bucket nobody knows
PASSING = ("slowdown", "error", "slow", "cut")  # once, or as often as TIMES says
GOOD = ("plain", "alert", "reject")
TIMES = {"slowdown": 3, "error": 2, "slow": 1, "cut": 2}
SLOW_S = 1.5
Respond = Callable[[str, list[tuple[str, str]]], Any]
Environ = dict[str, Any]


def template(kind: str) -> bytes:
    """An object's bytes: three rows, of which a detection matches one in "alert", and one is bad in "reject"."""
    rows: list[dict[str, Any]] = [_record(number) for number in range(3)]
    if kind == "alert":
        rows[1] |= {"eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com"}
    if kind == "reject":
        rows[1] = {"eventVersion": "1.10", "eventName": "NoTimeAndNoSource"}
    body = gzip.compress(json.dumps({"Records": rows}).encode(), mtime=0)
    if kind == "corrupt":
        return body[:40] + bytes(byte ^ 0xFF for byte in body[40:80]) + body[80:]
    return body[: len(body) // 2] if kind == "truncated" else body


def _record(number: int) -> dict[str, Any]:
    return {
        "eventVersion": "1.10",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/r/s"},
        "eventTime": f"2026-02-03T04:{number:02d}:06Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "example",
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    }


TEMPLATES = {kind: template(kind) for kind in (*GOOD, *LASTING, *PASSING)}
ETAGS = {kind: hashlib.md5(body).hexdigest() for kind, body in TEMPLATES.items()}  # noqa: S324 - S3's own


@dataclass
class Message:
    """A message of the queue."""

    message_id: str
    body: str
    attributes: dict[str, Any]
    visible_at: float = 0.0
    received: int = 0
    handle: str = ""


@dataclass
class Queue:
    """Messages by time of their visibility; the heap also holds times that are no longer true."""

    messages: dict[str, Message] = field(default_factory=dict)
    times: list[tuple[float, int, str]] = field(default_factory=list)
    order: Iterator[int] = field(default_factory=itertools.count)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def send(self, body: str, attributes: dict[str, Any]) -> str:
        """Add a message; gives its id."""
        with self.changed:
            message = Message(f"m{next(self.order)}", body, attributes)
            self.messages[message.message_id] = message
            self._show(message, time.monotonic())
            self.changed.notify()
        return message.message_id

    def receive(self, most: int, wait_s: float, visibility_s: float) -> list[Message]:
        """Up to so many messages, each hidden from then on."""
        end = time.monotonic() + wait_s
        with self.changed:
            while True:
                now = time.monotonic()
                found = list(itertools.islice(self._visible(now), most))
                if found or now >= end:
                    break
                self.changed.wait(min(end - now, 0.5))
            for message in found:
                message.received += 1
                message.handle = f"{message.message_id}/{message.received}"
                self._show(message, now + visibility_s)
        return found

    def hide(self, handle: str, visibility_s: float) -> bool:
        """Change when a received message is visible again; False for one that is not there."""
        with self.changed:
            message = self.messages.get(handle.partition("/")[0])
            if message is not None:
                self._show(message, time.monotonic() + visibility_s)
        return message is not None

    def delete(self, handle: str) -> None:
        """Forget a message."""
        with self.changed:
            self.messages.pop(handle.partition("/")[0], None)

    def counts(self) -> tuple[int, int]:
        """Visible and hidden messages."""
        now = time.monotonic()
        with self.changed:
            visible = sum(message.visible_at <= now for message in self.messages.values())
            return visible, len(self.messages) - visible

    def _visible(self, now: float) -> Iterator[Message]:
        while self.times and self.times[0][0] <= now:
            at, _, message_id = heapq.heappop(self.times)
            message = self.messages.get(message_id)
            if message is not None and message.visible_at == at:
                yield message

    def _show(self, message: Message, at: float) -> None:
        message.visible_at = at
        heapq.heappush(self.times, (at, next(self.order), message.message_id))


class Soak:
    """The application: faults first, then our queue and objects, then moto."""

    def __init__(
        self,
        moto: Callable[[Environ, Respond], Iterable[bytes]],
        version: Callable[[dict[str, Any]], str],
        rate: float,
    ) -> None:
        self._moto = moto
        self._version = version
        self._commits = threading.Lock()
        self._rate = rate
        self._random = random.Random(6)  # noqa: S311 - the same faults on every run
        self._queues: dict[str, Queue] = {}
        self._reads: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, respond: Respond) -> Iterable[bytes]:
        """Answer one request."""
        path, target = environ["PATH_INFO"], environ.get("HTTP_X_AMZ_TARGET", "")
        if path == "/soak/told":
            return _json(respond, dict(self._told))
        if path.startswith(CUSTOMERS):
            return self._object(environ, respond, path)
        if target.startswith("AmazonSQS."):
            if self._draw("sqs"):
                return _fail(respond, "500 Internal Server Error", "InternalFailure", json_form=True)
            return self._sqs(target.partition(".")[2], _body(environ), respond)
        if target.startswith("AWSGlue.") and target.partition(".")[2] in (
            "UpdateTable",
            "CreateTable",
            "CreateDatabase",
        ):
            return self._glue(environ, respond, target)
        if environ["REQUEST_METHOD"] == "PUT" and path.startswith(LAKE):
            return self._upload(environ, respond)
        if b"AssumeRole" in _peek(environ) and self._draw("sts"):
            return _fail(respond, "500 Internal Server Error", "InternalFailure")
        return self._moto(environ, respond)

    def _draw(self, what: str) -> bool:
        """Whether a fault happens now; it is counted."""
        with self._lock:
            happens = self._random.random() < self._rate
            self._told[what] += happens
            self._told["requests"] += 1
        return happens

    def _object(self, environ: Environ, respond: Respond, path: str) -> Iterable[bytes]:
        found = KEY.match(path)
        if found is None and "list-type=2" in environ.get("QUERY_STRING", ""):
            return _empty(respond)
        if found is None:
            return _fail(respond, "404 Not Found", "NoSuchKey")
        kind, body = found[2], TEMPLATES[found[2]]
        with self._lock:
            self._reads[path] += 1
            first = self._reads[path] <= TIMES.get(kind, 0)
            if first or kind in LASTING:
                self._told[f"object {kind}"] += 1
        if kind == "missing":
            return _fail(respond, "404 Not Found", "NoSuchKey")
        if kind == "denied":
            return _fail(respond, "403 Forbidden", "AccessDenied")
        if first and kind == "slowdown":
            return _fail(respond, "503 Slow Down", "SlowDown")
        if first and kind == "error":
            return _fail(respond, "500 Internal Server Error", "InternalError")
        if first and kind == "slow":
            time.sleep(SLOW_S)
        headers = [("Content-Length", str(len(body))), ("ETag", f'"{ETAGS[kind]}"')]
        respond("200 OK", [*headers, ("Last-Modified", "Tue, 03 Feb 2026 05:00:00 GMT")])
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        return _broken(body) if first and kind == "cut" else [body]

    def _glue(self, environ: Environ, respond: Respond, target: str) -> Iterable[bytes]:
        """A commit of the lake: refused where another was faster, or just so; or done, and the answer is lost."""
        wanted = _again(environ)
        with self._commits:  # moto checks and writes in two steps, and knows no versions
            stale = target == "AWSGlue.UpdateTable" and wanted.get("VersionId") != self._version(wanted)
            with self._lock:
                self._told["lake commits"] += 1
                self._told["lake commits too late"] += stale
            if stale or self._draw("lake conflict"):
                return _fail(respond, "400 Bad Request", "ConcurrentModificationException", json_form=True)
            if not self._draw("lake answer lost"):
                return list(self._moto(environ, respond))
            list(self._moto(environ, lambda status, headers: None))
        raise ConnectionResetError

    def _upload(self, environ: Environ, respond: Respond) -> Iterable[bytes]:
        """A file of the lake."""
        if self._draw("lake slow down"):
            return _fail(respond, "503 Slow Down", "SlowDown")
        if self._draw("lake error"):
            return _fail(respond, "500 Internal Server Error", "InternalError")
        if self._draw("lake cut"):
            raise ConnectionResetError
        return self._moto(environ, respond)

    def _sqs(self, action: str, body: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        with self._lock:
            queue = self._queues.setdefault(body["QueueUrl"].rpartition("/")[2], Queue())
        entries: list[dict[str, Any]] = body.get("Entries", [])
        if action == "ReceiveMessage":
            found = queue.receive(
                body.get("MaxNumberOfMessages", 1), body.get("WaitTimeSeconds", 0), body.get("VisibilityTimeout", 30)
            )
            return _json(respond, {"Messages": [_shown(message) for message in found]} if found else {})
        if action == "GetQueueAttributes":
            visible, hidden = queue.counts()
            counts = {"": visible, "NotVisible": hidden, "Delayed": 0}
            attributes = {f"ApproximateNumberOfMessages{name}": str(count) for name, count in counts.items()}
            return _json(respond, {"Attributes": attributes})
        if action == "SendMessage":
            return _json(respond, _sent(queue, body))
        if action == "SendMessageBatch":
            return _json(respond, {"Successful": [{"Id": e["Id"], **_sent(queue, e)} for e in entries], "Failed": []})
        if action == "DeleteMessageBatch":
            for entry in entries:
                queue.delete(entry["ReceiptHandle"])
        elif action == "ChangeMessageVisibilityBatch":
            for entry in entries:
                queue.hide(entry["ReceiptHandle"], entry["VisibilityTimeout"])
        else:
            return _fail(respond, "400 Bad Request", f"UnsupportedOperation{action}", json_form=True)
        return _json(respond, {"Successful": [{"Id": entry["Id"]} for entry in entries], "Failed": []})


def _sent(queue: Queue, entry: dict[str, Any]) -> dict[str, str]:
    message_id = queue.send(entry["MessageBody"], entry.get("MessageAttributes", {}))
    return {"MessageId": message_id, "MD5OfMessageBody": hashlib.md5(entry["MessageBody"].encode()).hexdigest()}  # noqa: S324


def _shown(message: Message) -> dict[str, Any]:
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": message.handle,
        "Body": message.body,
        "MD5OfBody": hashlib.md5(message.body.encode()).hexdigest(),  # noqa: S324
        "Attributes": {"ApproximateReceiveCount": str(message.received), "SentTimestamp": "0"},
        "MessageAttributes": message.attributes,
    }


def _broken(body: bytes) -> Iterator[bytes]:
    """Half a body, and then the connection is gone."""
    yield body[: len(body) // 2]
    raise ConnectionResetError


def _again(environ: Environ) -> dict[str, Any]:
    """The JSON of a request, which can be read again."""
    content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(content)
    found: dict[str, Any] = json.loads(content or b"{}")
    return found


def _peek(environ: Environ) -> bytes:
    """The body of a small form, which can be read again."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return b""
    content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(content)
    return bytes(content)


def _body(environ: Environ) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
    return content


def _json(respond: Respond, answer: Any) -> list[bytes]:
    body = json.dumps(answer).encode()
    respond("200 OK", [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(body)))])
    return [body]


def _fail(respond: Respond, status: str, code: str, *, json_form: bool = False) -> list[bytes]:
    text = json.dumps({"__type": code, "message": "a fault"}) if json_form else _xml(code)
    kind = "application/x-amz-json-1.0" if json_form else "application/xml"
    respond(status, [("Content-Type", kind), ("Content-Length", str(len(text)))])
    return [text.encode()]


def _empty(respond: Respond) -> list[bytes]:
    """A listing that names nothing."""
    text = "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
    respond("200 OK", [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))])
    return [text.encode()]


def _xml(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>a fault</Message></Error>"


def main() -> None:
    """Serve until the parent is gone; the first line says where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=0.01, help="share of calls that fail")
    rate: float = parser.parse_args().rate
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
    from moto.glue.models import glue_backends  # noqa: PLC0415
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - it reads the environment when it is imported
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    from headwater.demo import moto_access, moto_patches  # noqa: PLC0415

    moto_access.install(("OrganizationAccountAccessRole",))
    moto_patches.install(pending_subscriptions=False)
    MotoRequestHandler.log_request = lambda *arguments: None

    def version(wanted: dict[str, Any]) -> str:
        found = glue_backends[CENTRAL][REGION].get_table(wanted["DatabaseName"], wanted["TableInput"]["Name"])
        return str(found.as_dict()["VersionId"])

    application = Soak(DomainDispatcherApplication(create_backend_app), version, rate)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    os.environ["MOTO_PORT"] = str(server.server_port)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
