"""Run the crash matrix and write its table into docs/reliability.md, or compare it: crash_matrix.py [--check] [--quick]

--quick runs the part that `make test` runs; its table has fewer times. All of it takes about an hour and a half on two
cores. Exit 1 where a test has failed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from pages import filled, publish

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs/reliability.md"
TESTS = "tests/worker/test_crash_matrix.py"
HEAD = ("| what happens | where | workers | state on | times | as undisturbed |", "|---|---|---|---|---|---|")
ROWS: Mapping[str, tuple[str, str, str]] = {
    "test_undisturbed_worker_leaves_every_row_match_alert_and_delivery_once": ("nothing", "", "1"),
    "test_killed_at_a_step_or_within_one": ("SIGKILL", "before each step, and within it", "1, then another"),
    "test_killed_at_each_single_call_file_and_transaction": (
        "SIGKILL",
        "before and after every single transaction, file of the lake and AWS call",
        "1, then another",
    ),
    "test_killed_over_objects_that_come_in_pieces": ("SIGKILL", "over objects too large for memory", "1, then another"),
    "test_killed_beside_others_that_live_with_every_notification_thrice_and_out_of_order": (
        "SIGKILL of one, leases and visibility that end, every notification three times and out of order",
        "before each step, and within it",
        "2 and 4 at once",
    ),
    "test_paused_until_another_has_done_its_work_and_then_resumed": (
        "paused until its lease is over and another has done its work; then it goes on",
        "before each step, and within it",
        "2",
    ),
    "test_paused_within_a_transaction": ("paused within a transaction", "prepare, finish", "2"),
    "test_two_workers_go_through_one_batch_side_by_side": (
        "both on one batch; their commits collide",
        "append, finish",
        "2 at once",
    ),
    "test_disk_full_call_lost_or_connection_lost_once": (
        "the disk is full, a call fails, or the answer of a call or commit is lost",
        "every kind of transaction, file and call",
        "1, then another",
    ),
    "test_no_room_for_files_beyond_a_size": (
        "no room on the disk for state, catalog, lake or what waits there",
        "four sizes",
        "1, then another",
    ),
    "test_uploads_to_the_lake_fail": (
        "S3 answers 503, 500 or 403, cuts the connection, or loses its answer",
        "the next 1, 6 and 30 uploads to the lake",
        "1, then another",
    ),
    "test_sessions_of_the_database_ended": (
        "all sessions of the database are ended",
        "before and within each step",
        "1",
    ),
    "test_database_restarted": ("PostgreSQL is restarted without a shutdown", "before and within each step", "1"),
}


@dataclass
class Tally:
    """Runs of one test. times: how often a worker was disturbed."""

    times: int = 0
    failed: int = 0
    databases: set[str] = field(default_factory=set)


def main() -> int:
    """Run the tests, write or compare the page."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", TESTS, f"--junitxml={report}"]
        command += ["-o", "junit_family=xunit1"]  # which has room for the number of points
        command += ["-m", "not slow"] if "--quick" in sys.argv[1:] else []
        subprocess.run(command, cwd=REPOSITORY, check=False)  # noqa: S603 - our own command
        tallies = read(report)
    failed = sum(tally.failed for tally in tallies.values())
    written = publish({PAGE: filled(PAGE.read_text("utf-8"), {"crash matrix": table(tallies)})})
    return 1 if failed else written


def read(report: Path) -> Mapping[str, Tally]:
    """What pytest says of each test function."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - written by our own pytest
        name = case.get("name", "")
        tally = tallies[name.partition("[")[0]]
        points = [each.get("value") for each in case.iter("property") if each.get("name") == "points"]
        tally.times += int(points[0] or 0) if points else 1
        tally.failed += case.find("failure") is not None or case.find("error") is not None
        tally.databases |= {database for database in ("SQLite", "PostgreSQL") if database.lower() in name}
    return tallies


def table(tallies: Mapping[str, Tally]) -> str:
    """The table of the page."""
    lines = []
    for test, (what, where, workers) in ROWS.items():
        tally = tallies.get(test, Tally())
        same = f"no, {tally.failed} times" if tally.failed else "yes" if tally.times else "not run"
        databases = ", ".join(sorted(tally.databases, reverse=True)) or "PostgreSQL"
        lines.append(f"| {what} | {where} | {workers} | {databases} | {tally.times} | {same} |")
    return "\n".join([*HEAD, *lines])


if __name__ == "__main__":
    sys.exit(main())
