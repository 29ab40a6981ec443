"""What one process tells of itself: a sign of life each round, and what it measured, for CloudWatch or Prometheus."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from headwater.aws.metrics import emf_lines
from headwater.worker.meters import Meters
from headwater.worker.vitals import Pulse

LOG = structlog.get_logger()


def to_stdout(line: bytes) -> None:
    """Write one line in one piece; several processes share the stream."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


class Telemetry:
    """pulse: where signs of life go, if anywhere. emit: takes lines of CloudWatch's format, if any are wanted."""

    def __init__(
        self,
        meters: Meters,
        pulse: Pulse | None = None,
        emit: Callable[[bytes], None] | None = None,
        *,
        every_s: float = 60.0,
    ) -> None:
        self.meters = meters
        self._pulse = pulse
        self._emit = emit
        self._every = timedelta(seconds=every_s)
        self._emitted_at: datetime | None = None
        self._is_broken = False

    def turned(self, now: datetime) -> None:
        """The loop begins another round."""
        self._emitted_at = self._emitted_at or now
        if self._pulse is not None:
            self._write(lambda pulse: pulse.beat(now, self.meters.read()))
        if now - self._emitted_at >= self._every:
            self._tell(now)

    def stop(self, now: datetime) -> None:
        """Tell what is left."""
        if self._pulse is not None:
            self._write(lambda pulse: pulse.write(now, self.meters.read()))
        self._tell(now)

    def _write(self, say: Callable[[Pulse], None]) -> None:
        """A folder that cannot be written must not stop the service: /healthz tells of it."""
        try:
            if self._pulse is not None:
                say(self._pulse)
        except OSError as error:
            if not self._is_broken:
                LOG.warning("pulse_failed", error=str(error))
            self._is_broken = True

    def _tell(self, now: datetime) -> None:
        self._emitted_at = now
        if self._emit is not None:
            for line in emf_lines(self.meters.take(), now):
                self._emit(line)
