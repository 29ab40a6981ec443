"""The intake queue: receive, extend, acknowledge, put aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from headwater.aws.errors import translated

if TYPE_CHECKING:
    from types_boto3_sqs.literals import QueueAttributeFilterType
    from types_boto3_sqs.type_defs import (
        DeleteMessageBatchRequestEntryTypeDef,
        MessageTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

MAX_BATCH = 10  # SQS limit of ReceiveMessage and of every batch call
DEPTHS: list[QueueAttributeFilterType] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]
MAX_BATCH_BYTES = 200_000  # of the bodies of a batch; SQS allows 262,144 bytes with everything
MAX_REASON = 256  # our own bound; SQS allows far more in a message attribute


@dataclass(frozen=True, slots=True)
class Message:
    """One received message. attempt: how often SQS has handed it out. sent_at: when it was sent to the queue."""

    message_id: str
    receipt_handle: str
    body: str
    attempt: int
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages of a queue, as SQS counts them: approximately. delayed: of those that wait, not to be received yet."""

    waiting: int
    in_flight: int
    delayed: int = 0


class Queue:
    """One SQS queue and its dead-letter queue. latest: what was received last; None: nothing was asked for yet."""

    def __init__(self, url: str, dead_letter_url: str | None, region: str, visibility_timeout_s: int) -> None:
        config = Config(retries={"mode": "adaptive", "max_attempts": 5}, read_timeout=30)
        self._client = boto3.Session().client("sqs", region_name=region, config=config)
        self._url = url
        self._dead_letter_url = dead_letter_url
        self._visibility_timeout_s = visibility_timeout_s
        self.latest: list[Message] | None = None

    def receive(self, wait_s: int) -> list[Message]:
        """Up to 10 messages; an empty list after wait_s seconds without any."""
        with translated(f"receive from {self._url}", "sqs:ReceiveMessage"):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=MAX_BATCH,
                WaitTimeSeconds=wait_s,
                VisibilityTimeout=self._visibility_timeout_s,
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            )
        self.latest = [_message(found) for found in answer.get("Messages", [])]
        return self.latest

    def is_empty(self) -> bool:
        """Whether no message is visible, in flight or delayed (SQS counts are approximate on real AWS)."""
        depth = self.depth()
        return not depth.waiting and not depth.in_flight

    def depth(self) -> Depth:
        """What waits in the queue, or will when its delay is over, and what workers have in hand."""
        return self._depth(self._url)

    def dead_letters(self) -> Depth | None:
        """The same of the dead-letter queue, if there is one."""
        return self._depth(self._dead_letter_url) if self._dead_letter_url else None

    def _depth(self, url: str) -> Depth:
        with translated(f"ask the depth of {url}", "sqs:GetQueueAttributes"):
            counts = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=DEPTHS)["Attributes"]
        visible, hidden, delayed = (int(counts.get(name, 0)) for name in DEPTHS)
        return Depth(visible + delayed, hidden, delayed)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Delete messages, ten a call. A failed delete is harmless: the ledger knows the objects when they return."""
        for start in range(0, len(messages), MAX_BATCH):
            entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
                {"Id": str(index), "ReceiptHandle": message.receipt_handle}
                for index, message in enumerate(messages[start : start + MAX_BATCH])
            ]
            with translated(f"delete messages of {self._url}", "sqs:DeleteMessage"):
                self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def hide(self, messages: Sequence[Message], timeout_s: int) -> None:
        """Keep messages invisible for timeout_s from now: 0 returns them at once."""
        for start in range(0, len(messages), MAX_BATCH):
            part = messages[start : start + MAX_BATCH]
            with translated(f"change visibility in {self._url}", "sqs:ChangeMessageVisibility"):
                self._client.change_message_visibility_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(index), "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": timeout_s}
                        for index, message in enumerate(part)
                    ],
                )

    def send_back(self, messages: Sequence[tuple[Message, int]], group: str) -> None:
        """Put messages at the end of the queue, each as if it came for the first time, so many seconds from now.

        group: whose they are; SQS's fair queues tell customers apart by it. A message that cannot be sent stays.
        """
        for part in _parts(messages):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(index), "MessageBody": message.body, "DelaySeconds": delay_s, "MessageGroupId": group}
                for index, (message, delay_s) in enumerate(part)
            ]
            with translated(f"send to {self._url}", "sqs:SendMessage on the queue"):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            self.acknowledge([part[int(sent["Id"])][0] for sent in answer.get("Successful", ())])

    def dead_letter(self, message: Message, reason: str) -> None:
        """Move a message to the dead-letter queue, its body kept, the reason as an attribute.

        Without a dead-letter URL the message stays where it is, and the queue's own redrive policy moves it in the end.
        """
        if self._dead_letter_url is None:
            return
        with translated(f"send to {self._dead_letter_url}", "sqs:SendMessage on the dead-letter queue"):
            self._client.send_message(
                QueueUrl=self._dead_letter_url,
                MessageBody=message.body,
                MessageAttributes={"reason": {"DataType": "String", "StringValue": reason[:MAX_REASON]}},
            )
        self.acknowledge([message])


def _message(found: MessageTypeDef) -> Message:
    attributes = found["Attributes"]
    sent_at = datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC)
    attempt = int(attributes["ApproximateReceiveCount"])
    return Message(found["MessageId"], found["ReceiptHandle"], found["Body"], attempt, sent_at)


def _parts(messages: Sequence[tuple[Message, int]]) -> Iterator[list[tuple[Message, int]]]:
    """The messages in batches that SQS takes."""
    part: list[tuple[Message, int]] = []
    size = 0
    for message, delay_s in messages:
        size_bytes = len(message.body.encode())
        if part and (len(part) == MAX_BATCH or size + size_bytes > MAX_BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append((message, delay_s))
        size += size_bytes
    if part:
        yield part
