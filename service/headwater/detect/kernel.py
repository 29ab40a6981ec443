"""What the operating system holds of a process that runs detections, beyond what Python can see."""

from __future__ import annotations

from collections.abc import Sequence


def confine(readable: Sequence[str]) -> tuple[str, ...]:
    """Takes from this process what the kernel lets it give up; the names of what holds now."""
    return ()
