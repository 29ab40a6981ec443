"""Readings of several processes as one page of Prometheus's text format.

Source: prometheus.io, "Exposition formats", version 0.0.4.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from headwater.aws.metrics import METRICS, Labels, Reading

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SUMMED = frozenset({"BufferedObjects", "ObjectsInFlight"})  # of all processes; other gauges: the largest


def page(readings: Iterable[Reading]) -> str:
    """One page: counters and timings are summed over the processes."""
    counters: dict[str, dict[Labels, float]] = defaultdict(lambda: defaultdict(float))
    gauges: dict[str, dict[Labels, list[float]]] = defaultdict(lambda: defaultdict(list))
    timings: dict[str, tuple[int, float]] = {}
    for reading in readings:
        for (name, labels), value in reading.counters.items():
            counters[name][labels] += value
        for (name, labels), value in reading.gauges.items():
            gauges[name][labels].append(value)
        for name, (count, total) in reading.timings.items():
            known = timings.get(name, (0, 0.0))
            timings[name] = (known[0] + count, known[1] + total)
    lines: list[str] = []
    for name in METRICS:
        if name in counters:
            lines += _series(name, "counter", "_total", counters[name].items())
        elif name in gauges:
            join = sum if name in SUMMED else max
            lines += _series(name, "gauge", "", ((labels, join(each)) for labels, each in gauges[name].items()))
        elif name in timings:
            count, total = timings[name]
            lines += [*_head(name, "summary"), f"{_name(name)}_count {count}", f"{_name(name)}_sum {total:.10g}"]
    return "\n".join([*lines, ""])


def _series(name: str, kind: str, suffix: str, values: Iterable[tuple[Labels, float]]) -> Iterator[str]:
    yield from _head(name, kind, suffix)
    for labels, value in sorted(values):
        pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        yield f"{_name(name)}{suffix}{{{pairs}}} {value:.15g}" if pairs else f"{_name(name)}{suffix} {value:.15g}"


def _head(name: str, kind: str, suffix: str = "") -> list[str]:
    return [f"# HELP {_name(name)}{suffix} {METRICS[name].help}", f"# TYPE {_name(name)}{suffix} {kind}"]


def _name(name: str) -> str:
    return "headwater_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
