"""Messages that go back to the queue: the surplus of a flood, and those that were received often enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headwater.aws import sns
from headwater.aws.session import Sessions
from headwater.aws.sqs import Message, Queue
from headwater.cli import build
from headwater.errors import AccessDenied, TransientError
from headwater.lake.query import query
from headwater.model import Source
from headwater.schema.load import load_library
from headwater.worker.intake import RENEW_AT
from headwater.worker.loop import Worker
from support.world import CUSTOMER, World, accounts_yml, cloudtrail_gz, record

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

OTHER = "444455556666"


class WatchedQueue(Queue):
    """The queue, and what was sent back to it. may_send: whether we are allowed to."""

    def __init__(self, world: World, *, may_send: bool = True) -> None:
        settings = world.settings
        super().__init__(str(settings.queue_url), settings.dead_letter_queue_url, settings.region, 2)
        self.sent: list[tuple[str, int]] = []
        self.may_send = may_send

    def send_back(self, messages: Sequence[tuple[Message, int]], group: str) -> None:
        if not self.may_send:
            raise AccessDenied("send", "sqs:SendMessage")
        self.sent += [(group, delay_s) for _, delay_s in messages]
        super().send_back(messages, group)


class FaultySessions(Sessions):
    """The customers' S3, which does not answer so often at first."""

    def __init__(self, world: World, faults: int) -> None:
        super().__init__(world.settings.region)
        self.faults = faults

    def s3(self, source: Source) -> S3Client:
        if self.faults:
            self.faults -= 1
            raise TransientError("not now")
        return super().s3(source)


def run(world: World, queue: Queue, faults: int = 0) -> None:
    """Drain the queue."""
    committer = build.committer(world.settings)
    sessions = FaultySessions(world, faults)
    outlets = build.destinations(world.settings)
    worker = Worker(world.settings, world.accounts, load_library(), committer, queue, sessions, outlets, sns.confirm)
    worker.run(once=True)


def add_customer(world: World) -> None:
    """One who sends nothing."""
    entry = accounts_yml("other-bucket", "reader").partition("accounts:\n")[2]
    world.accounts_file.write_text(
        world.accounts_file.read_text() + entry.replace(CUSTOMER, OTHER).replace("payments", "shop")
    )
    world.reload()


def feed(world: World, count: int) -> None:
    for number in range(count):
        world.notify(world.put(f"o{number}", cloudtrail_gz([record(number)])))


def rows(world: World) -> int:
    return int(
        query(build.catalog(world.settings), "SELECT count(*) AS n FROM logs.aws_cloudtrail").to_pylist()[0]["n"]
    )


def test_surplus_of_one_account_goes_back_under_its_name_and_is_ingested_later(world: World) -> None:
    add_customer(world)
    world.settings = world.settings.model_copy(update={"max_in_flight": 1})
    feed(world, 12)
    queue = WatchedQueue(world)

    run(world, queue)

    assert {group for group, _ in queue.sent} == {CUSTOMER}
    assert all(1 <= delay_s <= 900 for _, delay_s in queue.sent)
    assert rows(world) == 12


def test_account_alone_keeps_its_messages(world: World) -> None:
    world.settings = world.settings.model_copy(update={"max_in_flight": 1})
    feed(world, 12)
    queue = WatchedQueue(world)

    run(world, queue)

    assert queue.sent == []
    assert rows(world) == 12


def test_worker_that_may_not_send_hides_messages_instead(world: World) -> None:
    add_customer(world)
    world.settings = world.settings.model_copy(update={"max_in_flight": 1})
    feed(world, 6)

    run(world, WatchedQueue(world, may_send=False))

    assert rows(world) == 6


def test_message_that_fails_for_a_passing_reason_is_sent_anew_before_the_queue_gives_it_up(world: World) -> None:
    tries = RENEW_AT + 2
    arn = world.sqs.get_queue_attributes(QueueUrl=world.settings.dead_letter_queue_url, AttributeNames=["QueueArn"])
    policy = f'{{"deadLetterTargetArn": "{arn["Attributes"]["QueueArn"]}", "maxReceiveCount": "5"}}'
    world.sqs.set_queue_attributes(QueueUrl=world.settings.queue_url, Attributes={"RedrivePolicy": policy})
    feed(world, 1)
    queue = WatchedQueue(world)

    run(world, queue, faults=tries)

    assert len(queue.sent) == 1
    assert rows(world) == 1
    assert world.dead_letters() == []
