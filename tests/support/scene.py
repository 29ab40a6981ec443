"""One customer's objects, and workers that take them in and break at points; what they leave is compared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from headwater.cli import build
from headwater.lake.query import query
from headwater.lake.tables import MATCHES, existing_tables
from headwater.settings import Settings
from headwater.state.database import connect, read
from headwater.state.schema import alerts, objects, outbox, source_counters
from support.world import CENTRAL, CUSTOMER, World, client, cloudtrail_gz, record, stop_logging

TESTS = Path(__file__).parents[1]
NOBODY = 2**22 + 1  # no pid of Linux is so large
LEASE_OVER_MIN = 20  # longer than the lease of ten minutes, shorter than the hour of an alert's window


class CrashServer:
    """The process whose forks are the workers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._owed = False

    def ask(self, command: str, value: Any) -> Any:
        """The answer to one command."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self._owed:  # a test has ended while it waited
            self._process.stdout.readline()
        self._owed = True
        self._process.stdin.write(json.dumps({command: value}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that starts workers is gone"
        self._owed = False
        return json.loads(answer)


@contextmanager
def crash_server() -> Iterator[CrashServer]:
    """A process that starts workers."""
    command = [sys.executable, "-m", "support.crash_worker"]
    process = subprocess.Popen(command, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        yield CrashServer(process)


@dataclass
class Scene:
    """One run over a customer's objects: a queue, a state database and a lake of its own."""

    server: CrashServer
    world: World
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    pids: list[int] = field(default_factory=list)

    def start(
        self, point: str = "", action: str = "kill", *, minutes: float = 0, file_bytes: int = 0, **settings: object
    ) -> int:
        """A worker that breaks at a point; gives its pid."""
        world = self.world.settings
        names = ("home", "accounts_file", "queue_url", "dead_letter_queue_url", "state_url", "visibility_timeout_s")
        values = {name: getattr(world, name) for name in (*names, "detections", "sandbox", "retry_s", "lease_s")}
        values["detections"] = json.dumps([str(path) for path in world.detections])
        texts = {f"HEADWATER_{name.upper()}": str(value) for name, value in (values | settings).items() if value}
        aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        pid = int(
            self.server.ask(
                "start",
                {
                    "environment": {
                        **aws,
                        **texts,
                        "HEADWATER_RETRY_S": "0",
                        "HEADWATER_MAX_ATTEMPTS": "2",
                        **self.environment,
                    },
                    "log": str(self.folder / "log"),
                    "trace": str(self.folder / f"trace{len(self.pids)}"),
                    "point": point,
                    "action": action,
                    "minutes": minutes,
                    "file_bytes": file_bytes,
                },
            )
        )
        self.pids.append(pid)
        return pid

    def end(self) -> None:
        """Kill what still runs, where a test has failed."""
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait(self, pid: int) -> str:
        """How a worker ended, or "stopped"."""
        how = str(self.server.ask("wait", pid))
        if how != "stopped":
            self.pids[self.pids.index(pid)] = NOBODY
        return how

    def go_on(self, pid: int) -> None:
        """Let a stopped worker go on."""
        self.server.ask("continue", pid)

    def run(self, point: str = "", action: str = "kill", **options: Any) -> str:
        """Run one worker; gives how it ended."""
        return self.wait(self.start(point, action, **options))

    def finish(self, **options: Any) -> None:
        """Run another worker, when all leases are over, to its good end."""
        ended = self.run(minutes=LEASE_OVER_MIN, **options)
        assert ended == "exit 0", self.log()

    def log(self) -> str:
        """What all workers have said."""
        return (self.folder / "log").read_text()

    def points(self) -> list[str]:
        """The points that the latest worker has passed."""
        return (self.folder / f"trace{len(self.pids) - 1}").read_text().split()

    def outcome(self) -> dict[str, Any]:
        """All that must be the same however the workers ended."""
        settings = self.world.settings
        return {**lake_outcome(settings), **state_outcome(settings), "dead letters": self._dead_letters()}

    def _dead_letters(self) -> list[tuple[str, str]]:
        """Bodies with the kinds of their reasons; a worker that was killed may have put one aside twice."""
        letters = self.world.dead_letters()
        found = {(each["body"], each["reason"].partition(":")[0]) for each in letters}
        return sorted(found)


def lake_outcome(settings: Settings) -> dict[str, Any]:
    """How often each row, reject and match is in the lake."""
    catalog = build.catalog(settings)
    found: dict[str, Any] = {}
    for table in existing_tables(catalog):
        column = "p_match_id" if table == MATCHES else "p_row_id"
        rows = query(catalog, f"SELECT {column} AS id, count(*) AS n FROM {table} GROUP BY 1 ORDER BY 1").to_pylist()
        found[table] = {row["id"]: row["n"] for row in rows}
    return found


def state_outcome(settings: Settings) -> dict[str, Any]:
    """Alerts with their counts and deliveries, objects with their ends, totals of sources.

    Without what the service tells of itself and of its sources, which depends on the time that it takes.
    """
    engine = connect(settings.resolved_state_url)
    with read(engine) as connection:
        groups = {
            row.alert_id: (row.rule_id, row.dedup, row.match_count, row.status)
            for row in connection.execute(select(alerts).where(alerts.c.rule_id.not_like("Headwater.%")))
        }
        of_rules = outbox.c.alert_id.in_(list(groups))
        sends = connection.execute(
            select(outbox.c.delivery_id, outbox.c.alert_id, outbox.c.status).where(of_rules)
        ).all()
        ends = connection.execute(
            select(objects.c.key, objects.c.status, objects.c.error_kind, objects.c.rows_out)
        ).all()
        columns = [column for column in source_counters.c if column.name != "last_seen"]
        totals = connection.execute(select(*columns)).all()
    engine.dispose()
    lines = [json.loads(line) for line in settings.resolved_alerts_file.read_text().splitlines()]
    keys = {line["idempotency_key"] for line in lines if not line["rule_id"].startswith("Headwater.")}
    return {
        "alerts": sorted(groups.values()),
        "deliveries": sorted((*groups[row.alert_id][:2], row.status, row.delivery_id in keys) for row in sends),
        "deliveries of unknown alerts": sorted(keys - {row.delivery_id for row in sends}),
        "objects": sorted(map(tuple, ends), key=str),
        "totals": sorted(map(tuple, totals)),
    }


def put_objects(world: World, pack: Path) -> list[dict[str, Any]]:
    """Upload a customer's objects; gives their notifications.

    Rows of two log types, two detections that alert, one of them above a threshold, a row that is rejected, an archive
    that is broken, an object that is gone, and one of a bucket that nobody knows.
    """
    write_pack(pack)
    found = []
    for number in range(4):
        records: list[Any] = [record(number * 10 + 1), stop_logging(number * 10 + 2), record(number * 10 + 3)]
        if number == 2:
            records[1] = {"eventVersion": "1.10", "eventName": "NoTimeAndNoSource"}
        found.append(world.put(f"o{number}", cloudtrail_gz(records)))
    found.append(put_flows(world))
    found.append(world.put("broken", cloudtrail_gz([record(77)])[:40]))
    found.append(json.loads(json.dumps(found[0]).replace("_o0.", "_gone.")))
    found.append(json.loads(json.dumps(found[0]).replace(world.bucket, "bucket-of-nobody")))
    return found


def put_flows(world: World) -> dict[str, Any]:
    """Upload VPC flow logs; gives the S3 event record of them."""
    file = f"{CUSTOMER}_vpcflowlogs_us-east-1_fl-1_20260203T0405Z_1.log"
    key = f"AWSLogs/{CUSTOMER}/vpcflowlogs/us-east-1/2026/02/03/{file}"
    etag = world.s3.put_object(Bucket=world.bucket, Key=key, Body=FLOWS.encode())["ETag"].strip('"')
    known = {"bucket": {"name": world.bucket}, "object": {"key": key, "size": len(FLOWS), "eTag": etag}}
    return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "us-east-1", "s3": known}


FLOWS = """version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action
2 111122223333 eni-0a1b2c3d4e5f60718 192.0.2.1 198.51.100.7 443 49152 6 10 840 1770091200 1770091260 ACCEPT
2 111122223333 eni-0a1b2c3d4e5f60718 192.0.2.2 198.51.100.8 22 49153 6 20 4249 1770091200 1770091260 REJECT
"""


def write_pack(folder: Path) -> None:
    """Two detections, so that loading them takes no time."""
    folder.mkdir()
    for name, threshold in (("Stopped", 1), ("StoppedOften", 3)):
        (folder / f"{name}.py").write_text(
            "def rule(event):\n    return event.get('eventName') == 'StopLogging'\n\n\n"
            "def unique(event):\n    return event.get('eventID')\n"
        )
        (folder / f"{name}.yml").write_text(
            f"AnalysisType: rule\nRuleID: {name}\nEnabled: true\nFilename: {name}.py\nLogTypes: [AWS.CloudTrail]\n"
            f"Severity: High\nThreshold: {threshold}\nDedupPeriodMinutes: 60\n"
        )


def new_run(world: World, folder: Path, state_url: str, name: str, pack: Path) -> World:
    """The same customer with new queues, a new state database and a new lake."""
    sqs = client("sqs", CENTRAL)
    settings = world.settings.model_copy(
        update={
            "home": folder / "home",
            "queue_url": sqs.create_queue(QueueName=name)["QueueUrl"],
            "dead_letter_queue_url": sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"],
            "state_url": state_url,
            "detections": (pack,),
            "sandbox": "none",
        }
    )
    return replace(world, settings=settings)
