"""The inbox tells which messages may be acknowledged."""

from __future__ import annotations

from headwater.aws.sqs import Message
from headwater.worker.inbox import Inbox


def message(name: str) -> Message:
    return Message(name, f"handle-{name}", "{}", 1)


def test_message_is_settled_only_when_every_object_is_resolved() -> None:
    inbox = Inbox()
    inbox.put(message("m"), ["a", "b"])

    inbox.resolve("a")
    after_one = inbox.take_settled()
    inbox.resolve("b")
    after_both = inbox.take_settled()

    assert after_one == []
    assert [pending.message.message_id for pending in after_both] == ["m"]
    assert len(inbox) == 0


def test_two_messages_of_one_object_settle_together() -> None:
    inbox = Inbox()
    inbox.put(message("first"), ["a"])
    inbox.put(message("second"), ["a"])

    inbox.resolve("a")

    assert {pending.message.message_id for pending in inbox.take_settled()} == {"first", "second"}


def test_problem_of_one_object_stays_with_its_message() -> None:
    inbox = Inbox()
    inbox.put(message("bad"), ["a", "b"])
    inbox.put(message("good"), ["b"])

    inbox.resolve("a", "corrupt: no gzip")
    inbox.resolve("b")

    problems = {pending.message.message_id: pending.problems for pending in inbox.take_settled()}
    assert problems == {"bad": ["corrupt: no gzip"], "good": []}


def test_retry_marks_the_message_to_come_back() -> None:
    inbox = Inbox()
    inbox.put(message("m"), ["a"])

    inbox.resolve("a", retry=True)

    assert [pending.retry for pending in inbox.take_settled()] == [True]


def test_message_without_objects_is_settled_at_once() -> None:
    inbox = Inbox()

    inbox.put(message("m"), [])

    assert len(inbox.take_settled()) == 1
