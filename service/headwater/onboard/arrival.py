"""One harmless message through a customer's notifications, and the wait for it.

It is an s3:TestEvent, which S3 itself sends to every topic that a bucket is told to notify: whoever reads S3's
notifications knows it. The key HeadwaterNonce tells ours apart. A running worker often takes it first, and then says so
in the state database.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headwater.errors import NoticeError
from headwater.ingest.notice import NONCE, read_notice
from headwater.onboard.eyes import Eyes, queue_url
from headwater.state import links
from headwater.state.database import Database

NONCE_BYTES = 16
PASS_S = 1.0  # between two looks into the state database
WORKER_PASSES = 10  # a worker polls without pause: long enough for it to be first
QUEUE_PASSES = 5
LONG_POLL_S = 3
HIDDEN_S = 30  # what a killed verify leaves hidden comes back after this
FOREIGN_RECEIVES = 3  # each receive counts against a message's redrive limit, so others' are touched seldom


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait. passes: looks into the state database alone, then into the queue as well."""

    worker_passes: int = WORKER_PASSES
    queue_passes: int = QUEUE_PASSES
    long_poll_s: int = LONG_POLL_S
    pause: Callable[[float], None] = time.sleep


class Arrivals:
    """The test messages of one run, for all its accounts: whoever looks into the queue may find another's."""

    def __init__(self, database: Database | None = None, patience: Patience | None = None) -> None:
        self._database = database
        self._patience = patience or Patience()
        self._guard = threading.Lock()
        self._sent: set[str] = set()
        self._found: set[str] = set()
        self._foreign_left = FOREIGN_RECEIVES

    def send(self, sns: Any, topic_arn: str, bucket: str, account_id: str) -> str:
        """Publish a test message; gives its nonce. Raises: botocore's errors."""
        nonce, now = secrets.token_hex(NONCE_BYTES), datetime.now(UTC)
        with self._guard:
            self._sent.add(nonce)
        if self._database is not None:
            links.expect(self._database, nonce, account_id=account_id, link=topic_arn, now=now)
        sns.publish(TopicArn=topic_arn, Message=message(bucket, nonce, now))
        return nonce

    def wait(self, nonce: str, eyes: Eyes) -> str | None:
        """Who received the message; None after the whole patience."""
        for _ in range(self._patience.worker_passes if self._database is not None else 0):
            if worker := self._worker_of(nonce):
                return worker
            self._patience.pause(PASS_S)
        for _ in range(self._patience.queue_passes):
            if worker := self._worker_of(nonce):
                return worker
            if self._in_queue(nonce, eyes):
                return "received from the queue"
        return None

    @property
    def advice(self) -> str:
        """What to do where nothing arrived although every policy allows it."""
        busy = " The queue holds others' messages, and no more of them are touched: let a worker empty it."
        blind = (
            " A running worker takes it first: set HEADWATER_STATE_URL to its database, or look for link_test_received"
            " in its log."
        )
        extra = (busy if self._foreign_left <= 0 else "") + (blind if self._database is None else "")
        return f"look at NumberOfNotificationsFailed of the topic in CloudWatch.{extra}"

    def _worker_of(self, nonce: str) -> str | None:
        found = links.received_by(self._database, nonce) if self._database is not None else None
        return f"received by the worker {found}" if found else None

    def _in_queue(self, nonce: str, eyes: Eyes) -> bool:
        """Whether the message is, or was, in the queue; one at a time looks, and for all."""
        with self._guard:
            if nonce not in self._found and self._foreign_left > 0:
                self._receive(eyes)
            elif nonce not in self._found:
                self._patience.pause(PASS_S)
            return nonce in self._found

    def _receive(self, eyes: Eyes) -> None:
        """Take our messages out of the queue; others' go back at once."""
        sqs = eyes.worker("sqs")
        url = queue_url(sqs, eyes.central.queue_arn)
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=self._patience.long_poll_s,
            VisibilityTimeout=HIDDEN_S,
        )
        foreign = 0
        for received in answer.get("Messages", []):
            nonce, handle = _nonce(received["Body"]), received["ReceiptHandle"]
            if nonce in self._sent:
                self._found.add(str(nonce))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
            else:
                foreign += 1
                sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
        self._foreign_left -= 1 if foreign else 0


def message(bucket: str, nonce: str, now: datetime) -> str:
    """The body, as S3 writes its own, with the nonce."""
    return json.dumps(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "Bucket": bucket,
            "RequestId": "headwater-onboard-verify",
            NONCE: nonce,
        }
    )


def _nonce(body: str) -> str | None:
    try:
        return read_notice(body).nonce
    except NoticeError:
        return None
