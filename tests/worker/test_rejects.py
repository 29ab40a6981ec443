"""Rejects are tried again after a schema was mended: what fits becomes rows, once, and the rest stays as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from headwater.aws.session import Sessions
from headwater.cli import build
from headwater.lake.query import query
from headwater.lake.rejects import Stored, read_rejects
from headwater.model import LOCAL_BUCKET, Source
from headwater.schema.load import load_library
from headwater.schema.logtype import LogType
from headwater.settings import Settings
from headwater.state import alerts, sources
from headwater.worker.committer import Committer
from headwater.worker.files import ingest_files
from headwater.worker.rejects import Retrier, Summary
from headwater.worker.remake import Remaker
from headwater.worker.reread import Reread
from support.world import World, cloudtrail_gz, record

SOURCE = Source("111122223333", "payments", "app", LOCAL_BUCKET, log_types=("AWS.VPCFlow",))
LINES = [f"2026-03-0{day}T10:00:00Z app{day} user logged in" for day in (1, 2, 3)]
APP = """
schema: Custom.App
description: What the application says.
content: {line: '^\\d{4}-\\d\\d-\\d\\dT'}
parser:
  regex:
    match: ['^(?P<at>\\S+) (?P<app>\\S+) (?P<message>.*)$']
fields:
  - {name: at, type: timestamp, timeFormats: [rfc3339], isEventTime: true, required: true, description: When.}
  - {name: app, type: string, description: Who.}
  - {name: message, type: string, description: What.}
"""
RULE = """
AnalysisType: rule
RuleID: App.Login
Filename: login.py
Enabled: true
Severity: Low
LogTypes: [Custom.App]
DedupPeriodMinutes: 60
"""
PROVENANCE = "p_row_id, p_source_id, p_source_label, p_account_id, p_source_file.key AS key, p_source_file.row AS row"


@dataclass
class Bench:
    """A local lake, files to read into it, and retries with other schemas."""

    folder: Path
    settings: Settings

    def schema(self, text: str = APP, name: str = "app.yml") -> Mapping[str, LogType]:
        """The library with one more schema."""
        file = self.folder / name
        file.write_text(text)
        return load_library([file])

    def ingest(self, *files: Path, library: Mapping[str, LogType] | None = None, source: Source = SOURCE) -> Any:
        """Read files into the lake, without detections."""
        made = Committer(build.store(self.settings), library or load_library(), None, self.settings, "files")
        return ingest_files(files, source, made, self.settings, build.destinations(self.settings))

    def file(self, lines: Sequence[str] = LINES, name: str = "app.log") -> Path:
        """A file of lines."""
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def retry(self, library: Mapping[str, LogType], forced: str | None = None, **changes: Any) -> Summary:
        """A retry of all rejects."""
        state = build.database(self.settings)
        detector = build.detector(self.settings, state) if self.settings.detections else None
        retrier = Retrier(
            build.store(self.settings),
            Remaker(library, detector, {}, library[forced] if forced else None),
            Reread({}, None, self.settings.max_object_bytes),
            worker="rejects",
        )
        wanted: Callable[[Stored], bool] = changes.pop("wanted", lambda stored: True)
        return replace(retrier, summary=Summary(), **changes).run(wanted)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return query(build.catalog(self.settings), sql).to_pylist()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Settings(home=tmp_path / "home"))


def test_lines_that_fit_nothing_are_events_once_their_schema_is_there(bench: Bench) -> None:
    file = bench.file()
    assert bench.ingest(file).rejects == 3
    library = bench.schema()

    first, second = bench.retry(library), bench.retry(library)

    assert (first.tried, first.recovered, first.rejected) == (3, {"Custom.App": 3}, {})
    assert second == Summary()
    rows = bench.rows(f"SELECT app, message, {PROVENANCE} FROM logs.custom_app ORDER BY row")
    assert [row["app"] for row in rows] == ["app1", "app2", "app3"]
    assert [row["row"] for row in rows] == [0, 1, 2]
    assert {row["key"] for row in rows} == {str(file)}


def test_recovered_row_is_the_row_that_a_first_reading_would_have_made(bench: Bench, tmp_path: Path) -> None:
    file = bench.file()
    library = bench.schema()
    other = Bench(tmp_path, Settings(home=tmp_path / "other"))
    other.ingest(file, library=library, source=replace(SOURCE, log_types=()))

    bench.ingest(file)
    bench.retry(library)

    sql = f'SELECT {PROVENANCE}, "at", app, message, p_event_time FROM logs.custom_app ORDER BY row'
    assert bench.rows(sql) == other.rows(sql)


def test_ledger_and_counters_tell_of_recovered_rows(bench: Bench) -> None:
    bench.ingest(bench.file())

    bench.retry(bench.schema())

    totals = {each.log_type: (each.rows_in, each.rows_out, each.rejects) for each in totals_of(bench)}
    assert totals == {"": (0, 0, 0), "Custom.App": (3, 3, 0)}


def totals_of(bench: Bench) -> Sequence[sources.SourceCounters]:
    return sources.source_totals(build.database(bench.settings), SOURCE.source_id)


def test_rows_that_still_fit_nothing_stay_rejects_with_their_reason(bench: Bench) -> None:
    bench.ingest(bench.file([LINES[0], "no time here", LINES[1]]))

    done = bench.retry(bench.schema())

    assert (done.tried, done.recovered.total(), done.rejected.total()) == (3, 2, 1)
    assert bench.retry(bench.schema()).rejected == done.rejected
    assert [row["app"] for row in bench.rows("SELECT app FROM logs.custom_app ORDER BY app")] == ["app1", "app2"]


def test_row_that_was_read_as_a_type_is_tried_as_that_type_first(bench: Bench) -> None:
    narrow = APP.replace("{name: app, type: string", "{name: app, type: bigint")
    bench.ingest(bench.file(), library=bench.schema(narrow), source=replace(SOURCE, log_types=("Custom.App",)))
    (stored, *_) = next(read_rejects(build.catalog(bench.settings)))
    assert stored.reject.log_type == "Custom.App"

    assert bench.retry(bench.schema()).recovered == {"Custom.App": 3}


def test_log_type_can_be_forced(bench: Bench) -> None:
    bench.ingest(bench.file())
    library = bench.schema(APP.replace("content: {line: '^\\d{4}-\\d\\d-\\d\\dT'}", ""))

    assert bench.retry(library).recovered == {}
    assert bench.retry(library, forced="Custom.App").recovered == {"Custom.App": 3}


def test_only_wanted_rejects_are_tried(bench: Bench) -> None:
    bench.ingest(bench.file())

    done = bench.retry(bench.schema(), wanted=lambda stored: stored.reject.row == 1)

    assert (done.tried, done.recovered.total()) == (1, 1)
    assert bench.retry(bench.schema()).recovered.total() == 2


TABLE = """
schema: Custom.Table
description: A table.
parser: {csv: {delimiter: ',', hasHeader: true}}
fields:
  - {name: user, type: string, emptyValues: ['-'], required: true, description: Who.}
  - {name: count, type: bigint, description: How often.}
"""


@pytest.mark.parametrize("allowed", [("Custom.Table",), ("AWS.VPCFlow",)], ids=["one row rejected", "all unclassified"])
def test_row_of_a_table_is_read_under_the_header_of_its_object(bench: Bench, allowed: tuple[str, ...]) -> None:
    file = bench.file(["count,user", "1,alice", "2,-", "3,carol"], "table.csv")
    done = bench.ingest(file, library=bench.schema(TABLE), source=replace(SOURCE, log_types=allowed))
    first = bench.retry(bench.schema(TABLE), forced="Custom.Table")
    assert (done.rejects, first.headers, first.rejected.total()) in ((1, 0, 1), (4, 1, 1))

    last = bench.retry(bench.schema(TABLE.replace("required: true, ", "")), forced="Custom.Table")

    assert last.recovered == {"Custom.Table": 1}
    rows = bench.rows('SELECT "user", "count" AS n, p_source_file.row AS row FROM logs.custom_table ORDER BY row')
    assert [tuple(row.values()) for row in rows] == [("alice", 1, 1), (None, 2, 2), ("carol", 3, 3)]


def test_row_that_was_cut_is_read_again_from_its_file(bench: Bench) -> None:
    long = f"{LINES[0]} {'x' * 100_000}"
    bench.ingest(bench.file([long, LINES[1]]))

    done = bench.retry(bench.schema())

    assert (done.tried, done.recovered.total(), done.not_retried) == (2, 2, {})
    assert bench.rows("SELECT max(length(message)) AS n FROM logs.custom_app") == [{"n": len(long) - 26}]


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_row_that_was_cut_and_cannot_be_read_again_is_reported(bench: Bench, change: str) -> None:
    file = bench.file([f"{LINES[0]} {'x' * 100_000}", LINES[1]])
    bench.ingest(file)
    file.unlink() if change == "gone" else file.write_text("other\n")

    done = bench.retry(bench.schema())

    assert (done.tried, done.recovered.total(), done.not_retried.total()) == (2, 1, 1)
    assert change in next(iter(done.not_retried))


def with_rule(bench: Bench) -> Bench:
    folder = bench.folder / "rules"
    folder.mkdir()
    (folder / "login.yml").write_text(RULE)
    (folder / "login.py").write_text("def rule(event):\n    return 'logged in' in event.get('message')\n")
    return Bench(bench.folder, bench.settings.model_copy(update={"detections": (folder,)}))


@pytest.mark.parametrize(("alerting", "opened"), [(False, 0), (True, 1)], ids=["default", "--alert"])
def test_recovered_rows_meet_the_detections(bench: Bench, alerting: bool, opened: int) -> None:
    bench = with_rule(bench)
    bench.ingest(bench.file())

    done = bench.retry(bench.schema(), alerting=alerting)

    assert (done.matches, done.alerts) == (3, opened)
    assert len(alerts.list_alerts(build.database(bench.settings))) == opened
    linked = bench.rows("SELECT count(*) AS n, count(p_alert_id) AS linked FROM detections.matches")
    assert linked == [{"n": 3, "linked": 3 * opened}]


KILLER = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import worker.test_rejects as t
from headwater.settings import Settings

def step(name):
    if name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[2])
bench = t.Bench(folder, Settings(home=folder / "home", detections=(folder / "rules",)))
bench.retry(bench.schema(), alerting=True, step=step)
"""


@pytest.mark.parametrize("fatal", ["prepare", "append:logs.custom_app", "append:detections.matches", "finish"])
@pytest.mark.parametrize("then", ["same", "some", "narrower"])
def test_retry_killed_at_any_step_is_finished_by_the_next(bench: Bench, fatal: str, then: str) -> None:
    bench = with_rule(bench)
    bench.ingest(bench.file())
    command = [sys.executable, "-c", KILLER, str(Path(__file__).parents[1]), str(bench.folder), fatal]
    killed = subprocess.run(command, check=False, capture_output=True, timeout=120, env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()

    if then == "some":  # another choice of rejects must not write those of the killed run twice
        bench.retry(bench.schema(), alerting=True, wanted=lambda stored: stored.reject.row > 0)
    elif then == "narrower":  # a schema that none of them fits
        bench.retry(bench.schema(APP.replace("(?P<app>\\S+) ", "(?P<app>\\d+) ")), alerting=True)
    bench.retry(bench.schema(), alerting=True)
    last = bench.retry(bench.schema(), alerting=True)

    assert last == Summary()
    count = "SELECT count(*) AS n, count(DISTINCT p_row_id) AS d FROM "
    assert bench.rows(count + "logs.custom_app") == [{"n": 3, "d": 3}]
    totals = {each.log_type: (each.rows_in, each.rows_out, each.rejects) for each in totals_of(bench)}
    assert totals == {"": (0, 0, 0), "Custom.App": (3, 3, 0)}
    if then != "narrower":  # that schema could not say what the rules had seen
        assert bench.rows(count + "detections.matches") == [{"n": 3, "d": 3}]
        assert sum(alert.match_count for alert in alerts.list_alerts(build.database(bench.settings))) == 3


def test_cut_record_of_a_bucket_is_read_again_with_the_role_of_its_source(world: World) -> None:
    broken = {**record(2, requestParameters={"text": "x" * 100_000}), "eventTime": None}
    ref = world.put("broken", cloudtrail_gz([record(1), broken]))
    world.notify(ref)
    world.run()
    (stored,) = next(read_rejects(build.catalog(world.settings)))
    assert stored.reject.cut
    library = load_library()
    fields = tuple(replace(each, required=False) for each in library["AWS.CloudTrail"].fields)
    mended = {**library, "AWS.CloudTrail": replace(library["AWS.CloudTrail"], fields=fields)}
    configured = {source.source_id: source for source in world.accounts.sources}

    def retry(sessions: Sessions | None) -> Summary:
        reread = Reread(configured, sessions, 10**9)
        remaker = Remaker(mended, None, configured)
        return Retrier(build.store(world.settings), remaker, reread, "rejects").run()

    assert "not in accounts.yml" in next(iter(retry(None).not_retried))
    done = retry(Sessions(world.settings.region))

    assert (done.tried, done.recovered) == (1, {"AWS.CloudTrail": 1})
    rows = query(
        build.catalog(world.settings),
        "SELECT eventID, p_source_label, p_source_file.row AS row FROM logs.aws_cloudtrail ORDER BY row",
    ).to_pylist()
    assert [(row["row"], row["p_source_label"]) for row in rows] == [
        (0, "payments/cloudtrail"),
        (1, "payments/cloudtrail"),
    ]
