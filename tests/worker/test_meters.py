"""What is measured is counted from the log, by the names that the alarms use, for CloudWatch and for Prometheus."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from headwater import log
from headwater.aws.metrics import METRICS, emf_lines
from headwater.worker.meters import EVENTS, TIMED, Meters
from headwater.worker.prometheus import page

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LABELS = {"account_id": "111122223333", "source": "cloudtrail", "log_type": "AWS.CloudTrail"}
SAMPLE = re.compile(r'([a-z_]+)(\{([a-z_]+="(\\.|[^"\\])*",?)*\})? (-?[0-9.e+]+|NaN)')


def processed(meters: Meters, source: str = "cloudtrail", **changes: Any) -> None:
    """The line of an object of ten rows."""
    numbers = {"rows_in": 10, "rows_out": 9, "rejects": 1, "matches": 2, "bytes": 100}
    line = {
        "event": "object_processed",
        "account_id": "111122223333",
        "source": source,
        "log_types": ["AWS.CloudTrail"],
    }
    meters(None, "info", {**line, **numbers, **changes})


def lines(meters: Meters) -> list[dict[str, Any]]:
    return [json.loads(line) for line in emf_lines(meters.take(), NOW)]


def test_objects_are_counted_by_account_source_and_log_type_and_in_all() -> None:
    meters = Meters()
    for _ in range(1000):
        processed(meters)

    by_source, total = lines(meters)

    assert {key: by_source[key] for key in LABELS} == LABELS
    assert (by_source["ObjectsProcessed"], by_source["RowsIn"], by_source["RowsRejected"]) == (1000, 10_000, 1000)
    assert (total["Matches"], total["BytesIn"]) == (2000, 100_000)


def test_line_is_what_cloudwatch_reads() -> None:
    meters = Meters()
    processed(meters)
    meters(None, "info", {"event": "batch_committed", "elapsed_ms": 250})

    by_source, total = lines(meters)

    about = by_source["_aws"]["CloudWatchMetrics"][0]
    assert by_source["_aws"]["Timestamp"] == 1_772_366_400_000
    assert (about["Namespace"], about["Dimensions"]) == ("Headwater", [["account_id", "source", "log_type"]])
    assert {"Name": "BytesIn", "Unit": "Bytes"} in about["Metrics"]
    assert total["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]
    assert total["CommitSeconds"] == [0.25]
    for line in (by_source, total):
        assert all(metric["Name"] in line for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"])


def test_counters_are_told_by_their_growth() -> None:
    meters = Meters()
    processed(meters)
    lines(meters)

    assert lines(meters) == []
    processed(meters, rows_in=3)
    assert [line["RowsIn"] for line in lines(meters)] == [3, 3]


def test_sources_beyond_the_bound_are_counted_together() -> None:
    meters = Meters(most=2)
    for number in range(50):
        processed(meters, f"source-{number}")

    found = lines(meters)

    assert [line.get("source") for line in found] == ["source-0", "source-1", "other", None]
    assert [line["ObjectsProcessed"] for line in found] == [1, 1, 48, 50]


def test_a_line_has_no_more_timings_than_cloudwatch_takes() -> None:
    meters = Meters()
    for number in range(250):
        meters.time("CommitSeconds", number)

    (line,) = lines(meters)

    assert line["CommitSeconds"] == list(range(150, 250))


def test_page_sums_the_processes_and_gives_the_largest_of_what_is_shared() -> None:
    one, two = Meters(), Meters()
    for meters, waiting in ((one, 7.0), (two, 9.0)):
        processed(meters)
        meters.gauge("QueueWaiting", waiting)
        meters.gauge("BufferedObjects", 3)
        meters.time("CommitSeconds", 0.5)

    text = page([one.read(), two.read()])

    labels = 'account_id="111122223333",source="cloudtrail",log_type="AWS.CloudTrail"'
    assert f"headwater_objects_processed_total{{{labels}}} 2\n" in text
    assert "headwater_queue_waiting 9\n" in text
    assert "headwater_buffered_objects 6\n" in text
    assert "headwater_commit_seconds_count 2\nheadwater_commit_seconds_sum 1\n" in text


def test_page_is_prometheus_text_whatever_a_name_holds() -> None:
    meters = Meters()
    processed(meters, 'quo"te\\and\nline')
    meters.gauge("LagSeconds", 12.5, account_id="111122223333", source="x")

    text = page([meters.read()])

    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples)
    assert r'source="quo\"te\\and\nline"' in text
    for name in {line.partition("{")[0].partition(" ")[0] for line in samples}:
        assert f"# TYPE {name} " in text


def test_page_of_nothing_is_empty() -> None:
    assert page([]) == ""


def test_every_counter_has_its_metric() -> None:
    counted = {metric for metrics in EVENTS.values() for metric in metrics}

    assert counted == {name for name, metric in METRICS.items() if metric.kind == "counter"}
    assert {metric for metric, _ in TIMED.values()} == {
        name for name, metric in METRICS.items() if metric.kind == "timing"
    }


def _filters() -> dict[str, tuple[str, str]]:
    """The metric filters of the observability module: metric → event and value."""
    text = (ROOT / "terraform/modules/observability/main.tf").read_text()
    found = re.findall(r'(\w+)\s*= \{ pattern = "\{ \$\.event = \\"(\w+)\\" \}", value = "([^"]+)" \}', text)
    return {name: (event, value) for name, event, value in found}


def test_metric_filters_are_found() -> None:
    assert len(_filters()) >= 9


@pytest.mark.parametrize(("name", "event", "value"), [(name, *each) for name, each in _filters().items()])
def test_metric_filter_of_the_alarms_counts_what_we_count(name: str, event: str, value: str) -> None:
    key = EVENTS[event][name]

    assert value == (f"$.{key}" if key else "1")


@pytest.mark.parametrize("event", sorted({*EVENTS, *TIMED}))
def test_counted_event_is_one_that_the_service_logs(event: str) -> None:
    sources = (ROOT / "service/headwater").rglob("*.py")

    assert any(re.search(rf'LOG\.\w+\(\s*"{event}"', file.read_text()) for file in sources)


def test_lines_that_the_level_leaves_out_are_counted_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    meters, fields = Meters(), {"account_id": "1", "source": "s", "log_types": ["T"], "rows_in": 5}
    log.configure("json", "warning")
    log.observe(meters, "warning")
    try:
        structlog.get_logger().info("object_processed", **fields)
        structlog.get_logger().warning("object_failed", account_id="1")
    finally:
        structlog.reset_defaults()

    written = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert written == ["object_failed"]
    assert {name for name, _ in meters.read().counters} >= {"RowsIn", "ObjectsFailed"}
