"""Scheduled queries and their rules: rows of the lake become matches and alerts, once a run."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine as Database
from structlog.testing import capture_logs

from headwater.detect.engine import Detector, Engine
from headwater.detect.load import load_pack
from headwater.detect.packs import Selection
from headwater.detect.sandbox import Sandbox
from headwater.detect.scheduled import scheduled_queries
from headwater.errors import LakeUnavailable, QueryError
from headwater.ingest.rows import row_dicts
from headwater.lake.catalog import open_catalog
from headwater.lake.query import query
from headwater.model import Match
from headwater.pipeline import Digest, Store, commit
from headwater.state.alerts import list_alerts
from headwater.state.evaluations import last_evaluated
from headwater.worker.evaluate import Background, Evaluated, Evaluator
from headwater.worker.scheduled import QueryTask, as_events, tasks

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
QUERY = """
AnalysisType: scheduled_query
QueryName: Busy people
Enabled: true
Query: >
  SELECT p_dedup AS who, count(*) AS failures, sum(length(p_title)) AS letters, max(p_event_time) AS latest
  FROM detections.matches WHERE p_kind = 'RULE' AND p_rule_id = 'Login' GROUP BY 1
Schedule:
  RateMinutes: 30
  TimeoutMinutes: 1
"""
RULE = """
AnalysisType: scheduled_rule
RuleID: Busy
Enabled: true
Severity: High
Filename: busy.py
ScheduledQueries:
  - Busy people
"""
PYTHON = """
def rule(event):
    return event.get("failures") >= 3

def title(event):
    return f"{event.get('who')} failed {event.get('failures')} times"

def dedup(event):
    return event.get("who")
"""


def time(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


@dataclass
class Scene:
    """A lake, a state database and detections; minutes are counted from noon."""

    store: Store
    folder: Path
    batches: int = 0

    def logins(self, who: str, count: int, minute: float = 0) -> None:
        """Commit matches, for the query to count."""
        self.batches += 1
        made = tuple(login(f"{self.batches}-{number}", who, minute) for number in range(count))
        commit(self.store, f"b{self.batches}", Digest((), (), made, (), {}), worker="w", now=time(minute))

    def detector(self) -> Engine:
        return Engine(load_pack([self.folder]))

    def tasks(self, detector: Detector | None = None) -> list[QueryTask]:
        queries = scheduled_queries(load_pack([self.folder]).specs)

        def run(sql: str, *, timeout_s: float, max_rows: int) -> pa.Table:
            return query(self.store.catalog, sql, timeout_s=timeout_s, max_rows=max_rows)

        return tasks(queries, run, detector or self.detector())

    def run(self, minute: float, detector: Detector | None = None, worker: str = "w") -> Evaluated:
        found = self.tasks(detector)
        return Evaluator(self.store, lambda: found, worker).run(time(minute))

    def alerts(self, rule_id: str = "Busy") -> list[tuple[str, int]]:
        return sorted((a.title, a.match_count) for a in list_alerts(self.store.database) if a.rule_id == rule_id)


def login(row: str, who: str, minute: float) -> Match:
    return Match("RULE", "Login", "AWS.CloudTrail", row, time(minute), "", "login", who, "INFO", {}, create_alert=False)


def write(folder: Path, query_yaml: str = QUERY, rule_yaml: str = RULE, python: str = PYTHON) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "query.yml").write_text(query_yaml)
    (folder / "busy.yml").write_text(rule_yaml)
    (folder / "busy.py").write_text(python)


@pytest.fixture
def scene(engine: Database, tmp_path: Path) -> Scene:
    catalog = open_catalog("sqlite", str(tmp_path / "lake"), home=tmp_path, region="us-east-1")
    write(tmp_path / "rules")
    return Scene(Store(engine, catalog, ("out",)), tmp_path / "rules")


def test_rows_of_a_query_become_alerts_by_the_rule_that_names_it(scene: Scene) -> None:
    scene.logins("ann", 3)
    scene.logins("bob", 2)

    found = scene.run(1)

    assert [(m.rule_id, m.title, m.log_type) for m in found.matches] == [
        ("Busy", "ann failed 3 times", "scheduled:Busy people")
    ]
    assert scene.alerts() == [("ann failed 3 times", 1)]


def test_matches_are_stored_with_the_row_that_the_rule_saw(scene: Scene) -> None:
    scene.logins("ann", 3, 5)

    (found,) = scene.run(7).matches

    stored = query(scene.store.catalog, "SELECT * FROM detections.matches WHERE p_rule_id = 'Busy'").to_pylist()
    assert [row["p_match_id"] for row in stored] == [found.match_id]
    assert {**found.event, "p_row_id": ""} == {
        "who": "ann",
        "failures": 3,
        "letters": 15,
        "latest": "2026-02-03T12:05:00Z",
        "p_row_id": "",
        "p_event_time": "2026-02-03T12:07:00Z",
    }


def test_a_query_runs_when_its_time_has_come(scene: Scene) -> None:
    runs = [scene.run(minute).rules for minute in (0, 29, 30, 59, 60)]

    assert runs == [1, 0, 1, 0, 1]


def test_an_equal_row_of_the_next_run_is_another_match_of_the_same_alert(scene: Scene) -> None:
    scene.logins("ann", 3)

    told = [len(scene.run(minute).matches) for minute in (0, 30)]

    assert told == [1, 1]
    assert scene.alerts() == [("ann failed 3 times", 2)]


def test_rows_with_ids_of_their_own_are_told_once(scene: Scene) -> None:
    sql = "SELECT p_row_id, p_event_time, 3 AS failures, p_dedup AS who FROM detections.matches WHERE p_kind = 'RULE'"
    write(
        scene.folder, QUERY.split("Query: >")[0] + f'Query: "{sql}"\nSchedule: {{RateMinutes: 30, TimeoutMinutes: 1}}'
    )
    scene.logins("ann", 2, -100)

    first = scene.run(0)
    again = scene.run(30)

    assert sorted((m.row_id, m.event_time) for m in first.matches) == [("1-0", time(-100)), ("1-1", time(-100))]
    assert [m.row_id for m in again.matches if m.row_id.startswith("1-")] == []


def test_two_workers_at_once_tell_a_run_once(scene: Scene) -> None:
    scene.logins("ann", 3)
    done: list[Evaluated] = []
    workers = [threading.Thread(target=lambda n=n: done.append(scene.run(1, worker=f"w{n}"))) for n in range(3)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(len(each.matches) for each in done) == [0, 0, 1]
    assert scene.alerts() == [("ann failed 3 times", 1)]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("fatal", ["take", "find", "bind", "prepare", "append:detections.matches", "finish", "end"])
def test_a_crash_neither_loses_nor_doubles(scene: Scene, fatal: str) -> None:
    scene.logins("ann", 3)
    found = scene.tasks()

    def step(name: str) -> None:
        if name in (fatal, "end"):  # a killed process does not clean up
            raise Killed

    with pytest.raises(Killed):
        Evaluator(scene.store, lambda: found, "dead", step=step).run(time(1))
    for minute in (15, 20):
        scene.run(minute, worker="another")

    stored = query(scene.store.catalog, "SELECT p_match_id FROM detections.matches WHERE p_rule_id = 'Busy'").num_rows
    assert (scene.alerts(), stored) == ([("ann failed 3 times", 1)], 1)


def test_a_rule_that_breaks_on_a_row_is_told_as_its_error(scene: Scene) -> None:
    write(scene.folder, python="def rule(event):\n    return event['nothing']\n")
    scene.logins("ann", 3)

    (found,) = scene.run(1).matches

    assert (found.kind, found.rule_id, found.dedup) == ("RULE_ERROR", "Busy", "KeyError")


def test_the_rules_of_queries_run_in_the_sandbox(scene: Scene) -> None:
    scene.logins("ann", 3)

    with Sandbox(Selection({"rules": scene.folder})) as sandbox:
        found = scene.run(1, sandbox)

    assert [match.title for match in found.matches] == ["ann failed 3 times"]


@pytest.mark.parametrize(
    "query_yaml",
    [QUERY.replace("Enabled: true", "Enabled: false"), QUERY.replace("Busy people", "Other")],
    ids=["disabled", "no rule"],
)
def test_queries_that_nobody_needs_do_not_run(scene: Scene, query_yaml: str) -> None:
    write(scene.folder, query_yaml)

    assert scene.tasks() == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (QUERY.replace("Query: >", "SnowflakeQuery: >"), "it is written for Snowflake"),
        (QUERY.replace("detections.matches", "panther_signals.public.x"), "written for another lake: panther_signals."),
        (QUERY.replace("RateMinutes: 30", 'CronExpression: "0 14 ? * MON"'), "is not understood"),
    ],
    ids=["dialect", "tables", "cron"],
)
def test_queries_for_other_engines_are_told_and_left_out(scene: Scene, changed: str, reason: str) -> None:
    write(scene.folder, changed)

    with capture_logs() as logged:
        assert scene.tasks() == []

    (told,) = logged
    assert told["event"] == "queries_not_runnable"
    assert reason in told["queries"]["Busy people"]


def failing(error: Exception) -> Any:
    def run(sql: str, *, timeout_s: float, max_rows: int) -> pa.Table:
        raise error

    return run


def test_a_query_that_fails_is_told_once_a_day_and_waits_for_its_next_time(scene: Scene) -> None:
    write(scene.folder, QUERY.replace("count(*)", "no_such_function()"))
    scene.logins("ann", 3)

    told = [scene.run(minute) for minute in (0, 29, 30, 60)]

    assert [(each.rules, len(each.matches)) for each in told] == [(1, 1), (0, 0), (1, 0), (1, 0)]
    assert scene.alerts("Headwater.QueryFailed") == [("The scheduled query Busy people could not be run", 1)]


def test_a_table_that_is_not_there_yet_is_no_fault(scene: Scene) -> None:
    write(scene.folder, QUERY.replace("detections.matches", "logs.aws_cloudtrail"))

    assert scene.run(1).matches == ()
    assert scene.alerts("Headwater.QueryFailed") == []


def test_a_lake_out_of_reach_is_tried_again(scene: Scene) -> None:
    (task,) = scene.tasks()
    broken = QueryTask(task.query, failing(LakeUnavailable("no answer")), scene.detector())

    done = Evaluator(scene.store, lambda: [broken], "w").run(time(0))

    assert done.failed == ("Busy people",)
    assert last_evaluated(scene.store.database) == {}


def test_a_query_that_lasts_too_long_is_ended(scene: Scene) -> None:
    endless = "SELECT count(*) FROM range(100000000000) a, range(100000000000) b"

    with pytest.raises(QueryError, match=r"took longer than 0\.2 s"):
        query(scene.store.catalog, endless, timeout_s=0.2)


def test_a_query_that_gives_too_much_is_refused(scene: Scene) -> None:
    assert query(scene.store.catalog, "SELECT * FROM range(5)", max_rows=5).num_rows == 5
    with pytest.raises(QueryError, match="more than 4 rows"):
        query(scene.store.catalog, "SELECT * FROM range(5)", max_rows=4)


def test_rows_of_any_type_become_events() -> None:
    day = date(2026, 1, 2)
    table = pa.table(
        {
            "whole": pa.array([Decimal(7)], pa.decimal128(38, 0)),
            "huge": pa.array([Decimal(2**70)], pa.decimal128(38, 0)),
            "share": pa.array([Decimal("1.5")], pa.decimal128(10, 2)),
            "day": pa.array([day]),
            "raw": pa.array([b"x"]),
            "at": pa.array([datetime(2026, 1, 2, 3)], pa.timestamp("ns")),
            "kind": pa.array(["a"]).dictionary_encode(),
            "some": pa.array([[1, 2]]),
            "one": pa.array([{"day": day, "n": 1}]),
            "by": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "none": pa.nulls(1),
            "p_event_time": pa.nulls(1, pa.timestamp("us", "UTC")),
        }
    )

    (row,) = row_dicts(as_events(table, "Q", None, NOON))

    assert {key: value for key, value in row.items() if key != "p_row_id"} == {
        "whole": 7,
        "huge": float(2**70),
        "share": 1.5,
        "day": "2026-01-02",
        "raw": "x",
        "at": "2026-01-02T03:00:00Z",
        "kind": "a",
        "some": [1, 2],
        "one": {"day": "2026-01-02", "n": 1},
        "by": {"k": 1},
        "p_event_time": "2026-02-03T12:00:00Z",
    }


def test_equal_rows_of_one_run_are_apart() -> None:
    ids = [as_events(pa.table({"n": [1, 1, 2]}), "Q", seen, NOON)["p_row_id"].to_pylist() for seen in (None, NOON)]

    assert len({row_id for each in ids for row_id in each}) == 6


def test_a_slow_evaluation_does_not_hold_the_loop(scene: Scene) -> None:
    (task,) = scene.tasks()
    begun, go_on = threading.Event(), threading.Event()

    def run(sql: str, *, timeout_s: float, max_rows: int) -> pa.Table:
        begun.set()
        go_on.wait()
        return pa.table({"who": ["ann"], "failures": [4]})

    slow = QueryTask(task.query, run, scene.detector())
    background = Background(Evaluator(scene.store, lambda: [slow], "w"))

    background.run(time(0))
    begun.wait()
    background.run(time(1))
    go_on.set()
    background.stop()

    assert scene.alerts() == [("ann failed 4 times", 1)]
