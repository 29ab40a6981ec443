"""Faults that other collectors had with their queue: expiring messages, commits one by one, ten at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from headwater.aws import sns
from headwater.aws.session import Sessions
from headwater.aws.sqs import Message, Queue
from headwater.cli import build
from headwater.lake.query import query
from headwater.schema.load import load_library
from headwater.worker.loop import Worker
from support.world import World, cloudtrail_gz, record

WAIT_S = 30.0


class WatchedQueue(Queue):
    """The queue, and what was asked of it."""

    def __init__(self, world: World) -> None:
        settings = world.settings
        super().__init__(str(settings.queue_url), settings.dead_letter_queue_url, settings.region, 2)
        self.extended: list[set[str]] = []
        self.twice_extended = threading.Event()
        self.received: list[int] = []

    def receive(self, wait_s: int) -> list[Message]:
        messages = super().receive(wait_s)
        self.received.append(len(messages))
        return messages

    def hide(self, messages: Sequence[Message], timeout_s: int) -> None:
        super().hide(messages, timeout_s)
        if messages:
            self.extended.append({message.message_id for message in messages})
        if len(self.extended) >= 2:
            self.twice_extended.set()


def worker(world: World, queue: Queue, step: object = None) -> Worker:
    run_step = step if callable(step) else (lambda name: None)
    committer = build.committer(world.settings, step=run_step)
    sessions = Sessions(world.settings.region)
    outlets = build.destinations(world.settings)
    library = load_library()
    return Worker(world.settings, world.accounts, library, committer, queue, sessions, outlets, sns.confirm, run_step)


def test_messages_stay_hidden_while_their_objects_are_worked_on(world: World) -> None:
    queue = WatchedQueue(world)
    for number in range(3):
        world.notify(world.put(f"o{number}", cloudtrail_gz([record(number)])))
    seen_meanwhile: list[int] = []

    def slow(name: str) -> None:
        if name == "prepare" and not seen_meanwhile:
            assert queue.twice_extended.wait(WAIT_S)  # longer than the two seconds of the visibility
            answer = world.sqs.receive_message(QueueUrl=world.settings.queue_url, MaxNumberOfMessages=10)
            seen_meanwhile.append(len(answer.get("Messages", [])))

    worker(world, queue, slow).run(once=True)

    assert seen_meanwhile == [0]
    assert [len(messages) for messages in queue.extended[:2]] == [3, 3]
    rows = query(build.catalog(world.settings), "SELECT count(*) AS n FROM logs.aws_cloudtrail").to_pylist()
    assert rows == [{"n": 3}]


def test_many_small_objects_share_a_commit(world: World) -> None:
    commits: list[str] = []
    for number in range(40):
        world.notify(world.put(f"o{number}", cloudtrail_gz([record(number)])))
    world.settings = world.settings.model_copy(update={"batch_max_s": 60.0})

    worker(world, WatchedQueue(world), lambda name: commits.append(name) if name == "finish" else None).run(once=True)

    assert len(commits) <= 3
    rows = query(build.catalog(world.settings), "SELECT count(*) AS n FROM logs.aws_cloudtrail").to_pylist()
    assert rows == [{"n": 40}]


def test_more_than_ten_messages_can_be_in_flight(world: World) -> None:
    queue = WatchedQueue(world)
    for number in range(30):
        world.notify(world.put(f"o{number}", cloudtrail_gz([record(number)])))
    received_before_commit: list[int] = []
    world.settings = world.settings.model_copy(update={"batch_max_s": 60.0})

    def note(name: str) -> None:
        if name == "prepare":
            received_before_commit.append(sum(queue.received))

    worker(world, queue, note).run(once=True)

    assert received_before_commit[0] > 10


def test_collecting_the_same_objects_four_times_gives_the_same_rows(world: World, tmp_path: Path) -> None:
    notifications = [world.put(f"o{n}", cloudtrail_gz([record(n * 10 + i) for i in range(5)])) for n in range(20)]
    found = []
    for number in range(4):
        world.settings = world.settings.model_copy(update={"home": tmp_path / f"home{number}"})
        for notification in notifications:
            world.notify(notification)
        worker(world, WatchedQueue(world)).run(once=True)
        sql = "SELECT eventID, p_row_id FROM logs.aws_cloudtrail ORDER BY ALL"
        found.append(query(build.catalog(world.settings), sql).to_pylist())

    assert len(found[0]) == 100
    assert found[1:] == [found[0]] * 3
