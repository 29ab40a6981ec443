"""A time limit for the import of each detection's module, so that one that never ends names itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from headwater.detect.modules import PREFIX

TICKS = 4


class ImportTimeout(BaseException):
    """A module's import lasted too long. No Exception: `except Exception` in a module must not swallow it."""


@contextmanager
def imports_limited(limit_s: float) -> Iterator[None]:
    """Stops the import of a module of a detection that lasts longer than the limit; main thread only."""
    at: FrameType | None = None  # the module that was being imported at the last tick,
    ticks = 0  # and for how many ticks

    def tick(_number: int, frame: FrameType | None) -> None:
        nonlocal at, ticks
        module = _imported(frame)
        at, ticks = module, ticks + 1 if module is not None and module is at else 0
        if ticks >= TICKS:
            at, ticks = None, 0
            raise ImportTimeout(f"importing it took longer than {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, limit_s / TICKS, limit_s / TICKS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _imported(frame: FrameType | None) -> FrameType | None:
    """The outermost frame that runs the body of a detection's module."""
    found = None
    while frame is not None:
        if frame.f_code.co_name == "<module>" and str(frame.f_globals.get("__name__", "")).startswith(PREFIX):
            found = frame
        frame = frame.f_back
    return found
