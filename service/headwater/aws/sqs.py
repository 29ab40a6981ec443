"""The intake queue: receive, extend, acknowledge, put aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from headwater.aws.errors import translated

if TYPE_CHECKING:
    from types_boto3_sqs.literals import QueueAttributeFilterType
    from types_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef

MAX_BATCH = 10  # SQS limit of ReceiveMessage and of every batch call
MAX_REASON = 256  # our own bound; SQS allows far more in a message attribute


@dataclass(frozen=True, slots=True)
class Message:
    """One received message. attempt: how often SQS has handed it out."""

    message_id: str
    receipt_handle: str
    body: str
    attempt: int


class Queue:
    """One SQS queue and its dead-letter queue."""

    def __init__(self, url: str, dead_letter_url: str | None, region: str, visibility_timeout_s: int) -> None:
        config = Config(retries={"mode": "adaptive", "max_attempts": 5}, read_timeout=30)
        self._client = boto3.Session().client("sqs", region_name=region, config=config)
        self._url = url
        self._dead_letter_url = dead_letter_url
        self._visibility_timeout_s = visibility_timeout_s

    def receive(self, wait_s: int) -> list[Message]:
        """Up to 10 messages; an empty list after wait_s seconds without any."""
        with translated(f"receive from {self._url}", "sqs:ReceiveMessage"):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=MAX_BATCH,
                WaitTimeSeconds=wait_s,
                VisibilityTimeout=self._visibility_timeout_s,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        return [
            Message(m["MessageId"], m["ReceiptHandle"], m["Body"], int(m["Attributes"]["ApproximateReceiveCount"]))
            for m in answer.get("Messages", [])
        ]

    def is_empty(self) -> bool:
        """Whether no message is visible, in flight or delayed (SQS counts are approximate on real AWS)."""
        names: list[QueueAttributeFilterType] = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        with translated(f"ask the depth of {self._url}", "sqs:GetQueueAttributes"):
            counts = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)["Attributes"]
        return not any(int(count) for count in counts.values())

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
