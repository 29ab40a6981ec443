"""Signs of life of every process of a task, in a folder that they share: when its loop turned last, what it measured.

A process writes its own file; whoever answers /healthz and /metrics reads them all. What a process that has ended
measured still counts, so that the sums never fall.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from headwater.aws.metrics import Labels, Reading

WRITE_EVERY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a process last said of itself. turned_at: when its loop began its latest round."""

    pid: int
    turned_at: datetime
    reading: Reading = field(default_factory=Reading)


class Pulse:
    """Writes the vitals of this process, at most once a second."""

    def __init__(self, folder: Path, pid: int | None = None) -> None:
        self._pid = os.getpid() if pid is None else pid
        self._file = folder / f"{self._pid}.json"
        self._written_at: datetime | None = None

    def beat(self, now: datetime, reading: Reading) -> None:
        """The loop turns. Raises: OSError where the folder cannot be written."""
        if self._written_at is not None and now - self._written_at < WRITE_EVERY:
            return
        self._written_at = now
        self.write(now, reading)

    def write(self, now: datetime, reading: Reading) -> None:
        """Say it now."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_suffix(".part")
        partial.write_bytes(_dumps(Vitals(self._pid, now, reading)))
        partial.replace(self._file)


def clear(folder: Path) -> None:
    """Forget processes of an earlier start."""
    for file in folder.glob("*.json") if folder.is_dir() else ():
        file.unlink(missing_ok=True)


def read(folder: Path) -> tuple[Vitals, ...]:
    """Every process since the start, those that ended too."""
    found = (_loads(file) for file in sorted(folder.glob("*.json")) if file.is_file())
    return tuple(vitals for vitals in found if vitals is not None)


def stalled(
    vitals: Sequence[Vitals], started: Mapping[int, datetime], now: datetime, after: timedelta
) -> tuple[int, ...]:
    """The processes whose loop has not turned for too long. started: when each process that should live was started."""
    turned = {each.pid: each.turned_at for each in vitals}
    return tuple(pid for pid, at in sorted(started.items()) if now - max(at, turned.get(pid, at)) > after)


def not_turned(vitals: Sequence[Vitals], pids: Collection[int]) -> tuple[int, ...]:
    """The processes whose loop has not turned yet: their schemas and detections are not loaded."""
    return tuple(sorted(set(pids) - {each.pid for each in vitals}))


def _dumps(vitals: Vitals) -> bytes:
    reading = vitals.reading
    return orjson.dumps(
        {
            "pid": vitals.pid,
            "turned_at": vitals.turned_at,
            "counters": [[*key, value] for key, value in reading.counters.items()],
            "gauges": [[*key, value] for key, value in reading.gauges.items()],
            "timings": reading.timings,
        }
    )


def _loads(file: Path) -> Vitals | None:
    """None: another process has just cleared it, or something else lies there."""
    try:
        found = orjson.loads(file.read_bytes())
        reading = Reading(_series(found["counters"]), _series(found["gauges"]), _timings(found["timings"]))
        return Vitals(found["pid"], datetime.fromisoformat(found["turned_at"]), reading)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _series(found: Any) -> dict[tuple[str, Labels], float]:
    return {(name, tuple((key, text) for key, text in labels)): value for name, labels, value in found}


def _timings(found: Any) -> dict[str, tuple[int, float]]:
    return {name: (count, total) for name, (count, total) in found.items()}
