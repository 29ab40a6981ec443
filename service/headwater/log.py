"""Structured logs on stderr, configured once by the command line and the worker."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog


def observe(processor: structlog.typing.Processor, level: str) -> None:
    """Let a processor see every event from `info` on; what is below the level is still not written."""
    least = logging.getLevelNamesMapping()[level.upper()]

    def drop(_logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if logging.getLevelNamesMapping().get(method.upper(), logging.ERROR) < least:
            raise structlog.DropEvent
        return event

    structlog.configure(
        processors=[processor, drop, *structlog.get_config()["processors"]],
        wrapper_class=structlog.make_filtering_bound_logger(min(least, logging.INFO)),
    )


def configure(fmt: Literal["auto", "json", "console"] = "auto", level: str = "info") -> None:
    """Send structlog events to stderr: JSON lines, or colours where stderr is a terminal."""
    console = fmt == "console" or (fmt == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # what stderr is now, not what it was
        cache_logger_on_first_use=False,
    )
