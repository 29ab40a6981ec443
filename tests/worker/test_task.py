"""A whole task, as ECS runs it: two processes, one HTTP endpoint."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.world import World, cloudtrail_gz, record

TRIES = 900  # of a tenth of a second
RULE = """
AnalysisType: rule
RuleID: Example.Never
Enabled: true
LogTypes: [AWS.CloudTrail]
Severity: Info
Detection:
  - KeyPath: eventName
    Condition: Equals
    Value: never
"""


@contextmanager
def task(world: World, port: int, folder: Path) -> Iterator[None]:
    """`headwater run` with two processes; its stdout goes to a file."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "rule.yml").write_text(RULE)
    environment = {
        **os.environ,
        "HEADWATER_HOME": str(world.settings.home),
        "HEADWATER_ACCOUNTS_FILE": str(world.accounts_file),
        "HEADWATER_QUEUE_URL": str(world.settings.queue_url),
        "HEADWATER_DEAD_LETTER_QUEUE_URL": str(world.settings.dead_letter_queue_url),
        "HEADWATER_DETECTIONS": json.dumps([str(rules)]),
        "HEADWATER_BATCH_MAX_S": "0.2",
        "HEADWATER_HTTP_PORT": str(port),
        "HEADWATER_METRICS": "both",
        "HEADWATER_METRICS_INTERVAL_S": "1",
    }
    command = [sys.executable, "-m", "headwater.cli.app", "run", "--processes", "2"]
    with (
        (folder / "stdout").open("wb") as out,
        subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.DEVNULL) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and body; 0 where nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return 0, ""


def until(port: int, path: str, status: int, text: str) -> str:
    """The body of the first answer of this status that holds the text."""
    answer = (0, "")
    for _ in range(TRIES):
        answer = ask(port, path)
        if answer[0] == status and text in answer[1]:
            return answer[1]
        threading.Event().wait(0.1)
    raise AssertionError(answer)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.timeout(300)
def test_task_tells_that_it_lives_that_it_is_ready_and_what_it_did(world: World, tmp_path: Path) -> None:
    for number in range(3):
        world.notify(world.put(str(number), cloudtrail_gz([record(number)])))
    port = free_port()

    with task(world, port, tmp_path):
        ready = json.loads(until(port, "/readyz", 200, "ok"))
        alive = ask(port, "/healthz")
        labels = 'account_id="111122223333",source="cloudtrail",log_type="AWS.CloudTrail"'
        until(port, "/metrics", 200, f"headwater_rows_in_total{{{labels}}} 3")
        until(port, "/metrics", 200, "headwater_queue_waiting 0")
        world.sqs.delete_queue(QueueUrl=world.settings.queue_url)
        broken = json.loads(until(port, "/readyz", 503, "failed"))

    assert ready["checks"] == {"database": "ok", "queue": "ok", "lake": "ok", "worker": "ok"}
    assert (alive[0], json.loads(alive[1])["checks"]) == (200, {"loop": "ok"})
    assert broken["checks"]["queue"] == "failed"
    lines = [json.loads(line) for line in (tmp_path / "stdout").read_bytes().splitlines()]
    assert sum(line.get("RowsIn", 0) for line in lines if "source" in line) == 3
