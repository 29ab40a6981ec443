"""Messages of our own to the intake queue: objects that no notification named, and dead letters on their way back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import boto3
from botocore.config import Config

from headwater.aws.errors import translated
from headwater.errors import TransientError
from headwater.model import ObjectRef

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

MAX_BATCH = 10  # SQS limit of every batch call
HIDDEN_S = 120  # a dead letter is ours so long; then others see it again
SEND = "sqs:SendMessage on the queue, in the policy of our own role"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was put aside. reason: why, as far as it is known."""

    message_id: str
    receipt_handle: str
    body: str
    reason: str


class Announcer:
    """Sends to the intake queue what it should hear of, in the form of S3's own notifications."""

    def __init__(self, queue_url: str, region: str) -> None:
        self._client = _client(region)
        self._url = queue_url

    def announce(self, refs: Sequence[ObjectRef], account_id: str) -> None:
        """Send a notification of each object. A ref without version and ETag is asked for its own when it is read.

        account_id: whose they are; SQS's fair queues tell customers apart by it.
        """
        self.send([notification(ref) for ref in refs], account_id)

    def send(self, bodies: Sequence[str], group: str) -> None:
        """Send messages. Raises: AccessDenied, TransientError; some may be sent then."""
        for start in range(0, len(bodies), MAX_BATCH):
            part = bodies[start : start + MAX_BATCH]
            entries: Any = [
                {"Id": str(index), "MessageBody": body, **({"MessageGroupId": group} if group else {})}
                for index, body in enumerate(part)
            ]
            with translated(f"send to {self._url}", SEND):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            if failed := answer.get("Failed"):
                raise TransientError(f"send to {self._url}: {failed[0].get('Message', failed[0]['Code'])}")


class DeadLetters:
    """What lies in the dead-letter queue."""

    def __init__(self, queue_url: str, region: str) -> None:
        self._client = _client(region)
        self._url = queue_url

    def read(self) -> Iterator[list[DeadLetter]]:
        """Each message once, some at a time; those that are not removed come back into sight after two minutes."""
        seen: set[str] = set()
        empty = 0
        while empty < 2:  # SQS answers from some of its hosts: one empty answer says little
            found = [letter for letter in self._receive() if letter.message_id not in seen]
            seen |= {letter.message_id for letter in found}
            empty = 0 if found else empty + 1
            if found:
                yield found

    def _receive(self) -> list[DeadLetter]:
        with translated(f"receive from {self._url}", "sqs:ReceiveMessage on the dead-letter queue"):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=MAX_BATCH,
                VisibilityTimeout=HIDDEN_S,
                WaitTimeSeconds=1,
                MessageAttributeNames=["reason"],
            )
        return [_letter(found) for found in answer.get("Messages", ())]

    def remove(self, letters: Sequence[DeadLetter]) -> None:
        """Delete messages, ten at most."""
        entries: Any = [{"Id": str(n), "ReceiptHandle": letter.receipt_handle} for n, letter in enumerate(letters)]
        with translated(f"delete messages of {self._url}", "sqs:DeleteMessage on the dead-letter queue"):
            self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def show(self, letters: Sequence[DeadLetter]) -> None:
        """Let others see messages again at once."""
        entries: Any = [
            {"Id": str(n), "ReceiptHandle": letter.receipt_handle, "VisibilityTimeout": 0}
            for n, letter in enumerate(letters)
        ]
        with translated(f"show messages of {self._url}", "sqs:ChangeMessageVisibility on the dead-letter queue"):
            self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


def notification(ref: ObjectRef) -> str:
    """An object as S3 announces it: its key form-encoded. Source: AWS S3 user guide, "Event message structure"."""
    named: dict[str, Any] = {"key": quote_plus(ref.key)}
    named |= {"size": ref.size_bytes} if ref.size_bytes is not None else {}
    named |= {"eTag": ref.etag} if ref.etag else {}
    named |= {"versionId": ref.version_id} if ref.version_id else {}
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Headwater",
        "s3": {"bucket": {"name": ref.bucket}, "object": named},
    }
    return json.dumps({"Records": [record | ({"awsRegion": ref.region} if ref.region else {})]})


def _letter(found: Any) -> DeadLetter:
    reason = found.get("MessageAttributes", {}).get("reason", {}).get("StringValue", "")
    return DeadLetter(found["MessageId"], found["ReceiptHandle"], found["Body"], reason)


def _client(region: str) -> SQSClient:
    config = Config(retries={"mode": "standard", "max_attempts": 5}, read_timeout=30)
    made: SQSClient = boto3.Session().client("sqs", region_name=region, config=config)
    return made
