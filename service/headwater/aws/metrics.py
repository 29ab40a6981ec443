"""What the service measures, and CloudWatch's form of it: Embedded Metric Format, one JSON line a source and interval.

Source: Amazon CloudWatch user guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson

NAMESPACE = "Headwater"
Kind = Literal["counter", "gauge", "timing"]
Labels = tuple[tuple[str, str], ...]
MAX_VALUES = 100  # of one metric in a line, by the specification


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured. unit: CloudWatch's word."""

    kind: Kind
    unit: str
    help: str


METRICS: Mapping[str, Metric] = {
    "ObjectsProcessed": Metric("counter", "Count", "Log objects read, parsed and committed."),
    "RowsIn": Metric("counter", "Count", "Rows of those objects."),
    "RowsRejected": Metric("counter", "Count", "Rows that fit no schema."),
    "Matches": Metric("counter", "Count", "Matches of detections."),
    "BytesIn": Metric("counter", "Bytes", "Uncompressed bytes of those objects."),
    "ObjectsFailed": Metric("counter", "Count", "Failed tries of objects."),
    "MessagesPutAside": Metric("counter", "Count", "Messages moved to the dead-letter queue."),
    "BatchesTakenOver": Metric("counter", "Count", "Batches taken over from workers that died."),
    "CommitsFailed": Metric("counter", "Count", "Failed tries of commits."),
    "DetectionsSuspended": Metric("counter", "Count", "Detections suspended for their errors."),
    "SourcesPaused": Metric("counter", "Count", "Sources and accounts paused because they refuse us."),
    "CommitSeconds": Metric("timing", "Seconds", "How long commits took, from parsing to the last transaction."),
    "BufferedObjects": Metric("gauge", "Count", "Objects that wait for the next commit."),
    "ObjectsInFlight": Metric("gauge", "Count", "Objects being fetched."),
    "QueueWaiting": Metric("gauge", "Count", "Notifications that wait in the queue."),
    "QueueAgeSeconds": Metric("gauge", "Seconds", "How long the oldest notification had waited when it was received."),
    "DeadLetters": Metric("gauge", "Count", "Messages in the dead-letter queue."),
    "SourcesUnwell": Metric("gauge", "Count", "Sources that are not ok."),
    "LagSeconds": Metric("gauge", "Seconds", "Age of the newest row of a source."),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured: counters and timings (count, sum) since the start, gauges as they are, by name and labels.

    recent: the timings since the last reading, at most 100 each.
    """

    counters: Mapping[tuple[str, Labels], float] = field(default_factory=dict)
    gauges: Mapping[tuple[str, Labels], float] = field(default_factory=dict)
    timings: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    recent: Mapping[str, Sequence[float]] = field(default_factory=dict)


def emf_lines(reading: Reading, now: datetime) -> Iterator[bytes]:
    """A line for each set of labels, and one with the sums over all, which has no dimensions."""
    by_labels: dict[Labels, dict[str, float | Sequence[float]]] = defaultdict(dict)
    totals: dict[str, float] = defaultdict(float)
    for (name, labels), value in reading.counters.items():
        if value:
            by_labels[labels][name] = value
            totals[name] += value
    for (name, labels), value in reading.gauges.items():
        by_labels[labels][name] = value
    for labels, values in by_labels.items():
        if labels:
            yield _line(labels, values, now)
    everything = {
        **by_labels.get((), {}),
        **totals,
        **{name: list(each) for name, each in reading.recent.items() if each},
    }
    if everything:
        yield _line((), everything, now)


def _line(labels: Labels, values: Mapping[str, Any], now: datetime) -> bytes:
    metrics = [{"Name": name, "Unit": METRICS[name].unit} for name in values]
    dimensions = [[key for key, _ in labels]]
    about = {"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics}
    stamp = int(now.timestamp() * 1000)
    return orjson.dumps({"_aws": {"Timestamp": stamp, "CloudWatchMetrics": [about]}, **dict(labels), **values})
