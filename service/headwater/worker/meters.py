"""Counters and gauges of one process, counted from the lines it logs: what the log tells and what is measured agree."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, MutableMapping
from typing import Any

from headwater.aws.metrics import MAX_VALUES, Labels, Reading

# Event of the log → what it counts: the metric, and the key that holds the number (none: one).
EVENTS: Mapping[str, Mapping[str, str | None]] = {
    "object_processed": {
        "ObjectsProcessed": None,
        "RowsIn": "rows_in",
        "RowsRejected": "rejects",
        "Matches": "matches",
        "BytesIn": "bytes",
    },
    "object_failed": {"ObjectsFailed": None},
    "message_dead_lettered": {"MessagesPutAside": None},
    "batch_taken_over": {"BatchesTakenOver": None},
    "commit_failed": {"CommitsFailed": None},
    "detection_suspended": {"DetectionsSuspended": None},
    "source_paused": {"SourcesPaused": None},
}
TIMED: Mapping[str, tuple[str, str]] = {"batch_committed": ("CommitSeconds", "elapsed_ms")}
OTHER = "other"


class Meters:
    """Safe for threads. most: sources that have series of their own; what is beyond counts as `other`."""

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._counters: dict[tuple[str, Labels], float] = {}
        self._given: dict[tuple[str, Labels], float] = {}
        self._gauges: dict[tuple[str, Labels], float] = {}
        self._timings: dict[str, tuple[int, float]] = {}
        self._recent: dict[str, deque[float]] = {}
        self._known: set[Labels] = set()

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Count one line of the log, as a processor of structlog; the line stays as it is."""
        name = event.get("event", "")
        if name in EVENTS:
            labels = _labels(event)
            with self._lock:
                for metric, key in EVENTS[name].items():
                    self._count(metric, labels, float(event.get(key, 0)) if key else 1.0)
        elif name in TIMED:
            metric, key = TIMED[name]
            self.time(metric, float(event.get(key, 0)) / 1000)
        return event

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """How something is now."""
        with self._lock:
            self._gauges[name, self._bounded(tuple(labels.items()))] = value

    def clear(self, name: str) -> None:
        """Forget a gauge, with every label."""
        with self._lock:
            self._gauges = {key: value for key, value in self._gauges.items() if key[0] != name}

    def time(self, name: str, seconds: float) -> None:
        """One more timing."""
        with self._lock:
            count, total = self._timings.get(name, (0, 0.0))
            self._timings[name] = (count + 1, total + seconds)
            self._recent.setdefault(name, deque(maxlen=MAX_VALUES)).append(seconds)

    def read(self) -> Reading:
        """All since the start."""
        with self._lock:
            return Reading(dict(self._counters), dict(self._gauges), dict(self._timings))

    def take(self) -> Reading:
        """What was counted and timed since the last call, and the gauges."""
        with self._lock:
            grown = {key: value - self._given.get(key, 0.0) for key, value in self._counters.items()}
            self._given = dict(self._counters)
            recent = {name: tuple(values) for name, values in self._recent.items()}
            self._recent = {}
            return Reading(grown, dict(self._gauges), {}, recent)

    def _count(self, name: str, labels: Labels, value: float) -> None:
        key = (name, self._bounded(labels))
        self._counters[key] = self._counters.get(key, 0.0) + value

    def _bounded(self, labels: Labels) -> Labels:
        if not labels or labels in self._known:
            return labels
        if len(self._known) < self._most:
            self._known.add(labels)
            return labels
        return tuple((key, OTHER) for key, _ in labels)


def _labels(event: Mapping[str, Any]) -> Labels:
    """Account, source and log type of the line, as far as it names them."""
    if "account_id" not in event:
        return ()
    found = [("account_id", str(event["account_id"]))]
    if "source" in event:
        found.append(("source", str(event["source"])))
    if "log_types" in event:
        found.append(("log_type", "+".join(event["log_types"]) or "none"))
    return tuple(found)
