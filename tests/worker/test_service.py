"""`headwater run` with its processes: killed, stopped under load, drained; nothing is lost or counted twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from headwater.cli import build
from headwater.cli.serve import make_worker
from headwater.lake.query import query
from support.world import World, cloudtrail_gz, record

OBJECTS = 40


def environment(world: World, **more: str) -> dict[str, str]:
    """Settings of a process of the service."""
    names = ("home", "accounts_file", "queue_url", "dead_letter_queue_url", "state_url")
    values = {name: getattr(world.settings, name) for name in names}
    found = {f"HEADWATER_{name.upper()}": str(value) for name, value in values.items() if value is not None}
    settings = {"HEADWATER_RETRY_S": "0", "HEADWATER_LOG_FORMAT": "json", "HEADWATER_BATCH_MAX_S": "0.2"}
    return {**os.environ, **found, **settings, **{f"HEADWATER_{name.upper()}": value for name, value in more.items()}}


@contextmanager
def service(world: World, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """`headwater run` in a process, whose log can be read."""
    command = [sys.executable, "-m", "headwater.cli.app", "run", *arguments]
    with subprocess.Popen(
        command, env=environment(world, **settings), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(process: subprocess.Popen[str], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first line of the log that is wanted; the others are forgotten."""
    for line in process.stderr or ():
        event = json.loads(line) if line.startswith("{") else {}
        if wanted(event):
            return event
    raise AssertionError("the service has ended without it")


def rest(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """All further lines, to the end of the service."""
    return [json.loads(line) for line in process.stderr or () if line.startswith("{")]


def named(name: str, **values: Any) -> Callable[[dict[str, Any]], bool]:
    return lambda event: event.get("event") == name and values.items() <= event.items()


def feed(world: World, count: int = OBJECTS) -> None:
    """Objects of one record each."""
    for number in range(count):
        world.notify(world.put(f"o{number}", cloudtrail_gz([record(number)])))


def stored(world: World) -> list[str]:
    """The ids of the stored events."""
    sql = "SELECT eventID FROM logs.aws_cloudtrail ORDER BY 1"
    return [row["eventID"] for row in query(build.catalog(world.settings), sql).to_pylist()]


def expected(count: int = OBJECTS) -> list[str]:
    return [f"00000000-0000-4000-8000-{number:012d}" for number in range(count)]


def left(world: World) -> int:
    """Messages in the queue, visible or not."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    found = world.sqs.get_queue_attributes(QueueUrl=world.settings.queue_url, AttributeNames=names)["Attributes"]
    return sum(map(int, found.values()))


def finish(world: World) -> None:
    """What the next start of the service does."""
    with service(world, "--once", "--processes", "1", visibility_timeout_s="2") as process:
        rest(process)
        assert process.wait() == 0


def test_processes_drain_the_queue_together_and_end(world: World) -> None:
    feed(world)

    with service(world, "--once", "--processes", "2") as process:
        log = rest(process)
        code = process.wait()

    assert code == 0
    assert len([event for event in log if event["event"] == "worker_started"]) == 2
    assert stored(world) == expected()
    assert left(world) == 0


def test_killed_process_is_started_again_and_loses_nothing(world: World) -> None:
    with service(world, "--processes", "2", visibility_timeout_s="3") as process:
        first = until(process, named("worker_started", number=0))
        feed(world)
        until(process, named("object_processed"))
        os.kill(first["pid"], signal.SIGKILL)
        died = until(process, named("worker_died", number=0))
        again = until(process, named("worker_started", number=0))
        process.send_signal(signal.SIGTERM)
        rest(process)
        code = process.wait()
    finish(world)

    assert (died["pid"], died["deaths"], code) == (first["pid"], 1, 0)
    assert again["pid"] != first["pid"]
    assert stored(world) == expected()
    assert left(world) == 0


@pytest.mark.parametrize("processes", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_stop_under_load_acknowledges_nothing_unfinished(world: World, processes: str) -> None:
    feed(world)
    with service(world, "--processes", processes, max_in_flight="4") as process:
        until(process, named("object_processed"))
        process.send_signal(signal.SIGTERM)
        rest(process)
        code = process.wait()
    done, waiting = stored(world), left(world)
    finish(world)

    assert code == 0
    assert len(done) + waiting >= OBJECTS  # what is done and not yet acknowledged may stand in both
    assert stored(world) == expected()
    assert left(world) == 0


SLOW = pytest.mark.slow  # of the steps, one of each kind is enough for every run


@pytest.mark.parametrize(
    "step", ["claim", "prepare", *(pytest.param(step, marks=SLOW) for step in ("open", "finish", "acknowledge"))]
)
def test_stop_at_any_step_gives_back_what_is_not_done(world: World, step: str) -> None:
    world.settings = world.settings.model_copy(update={"visibility_timeout_s": 3600, "max_in_flight": 3})
    feed(world, 12)
    stops: list[Callable[[], None]] = []
    worker = make_worker(world.settings, world.accounts, step=lambda name: stops[0]() if name == step else None)
    stops.append(worker.stop)

    worker.run()

    visible = world.sqs.get_queue_attributes(
        QueueUrl=world.settings.queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]["ApproximateNumberOfMessages"]
    assert int(visible) == left(world) > 0
    world.run()
    assert stored(world) == expected(12)


@pytest.mark.parametrize(
    "step", ["finish", *(pytest.param(step, marks=SLOW) for step in ("open", "prepare", "append:logs.aws_cloudtrail"))]
)
def test_process_that_must_end_in_the_middle_gives_back_all_it_has_at_once(world: World, step: str) -> None:
    world.settings = world.settings.model_copy(update={"visibility_timeout_s": 3600, "lease_s": 3600})
    feed(world, 3)
    abandons: list[Callable[[], None]] = []

    def end(name: str) -> None:
        if name == step:
            abandons[0]()
            raise Ended

    worker = make_worker(world.settings, world.accounts, step=end)
    abandons.append(worker.abandon)
    with pytest.raises(Ended):
        worker.run()

    world.run()

    assert stored(world) == expected(3)
    assert left(world) == 0


class Ended(BaseException):
    """The process would be gone."""
