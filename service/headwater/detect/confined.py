"""Questions about detections, answered by a process without credentials and network: loading runs their code."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from multiprocessing.connection import Connection
from typing import Any

from headwater.detect import guard, kernel, process
from headwater.detect.import_limit import imports_limited
from headwater.detect.load import Pack
from headwater.detect.packs import Selection
from headwater.errors import DetectionError, HeadwaterError, Problem

LIMIT_S = 300.0
IMPORT_LIMIT_S = 10.0
MEMORY_BYTES = 2 << 30
Question = Callable[..., Any]  # (pack, *arguments) → dataclasses and plain JSON types; a module's own function


def ask(selection: Selection, question: Question, *arguments: Any, limit_s: float = LIMIT_S) -> Any:
    """What a function says of the detections, in plain JSON types.

    Raises: DetectionError for files that are wrong; HeadwaterError where the process does not answer.
    """
    asked = process.start(_answer, selection, question, arguments)
    try:
        if not asked.pipe.poll(limit_s):
            raise HeadwaterError(f"the detections did not load within {limit_s:.0f} s")
        kind, content = json.loads(asked.pipe.recv_bytes())
    except EOFError as error:
        code = asked.wait()
        raise HeadwaterError(f"loading the detections ended its process (exit code {code})") from error
    finally:
        asked.end()
    if kind == "wrong":
        raise DetectionError([Problem(**problem) for problem in content])
    return content


def load_confined(selection: Selection, import_limit_s: float) -> Pack:
    """The detections, loaded in this process, which from now on is good for nothing else. Raises: DetectionError."""
    _limit(resource.RLIMIT_DATA, MEMORY_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    kernel.confine()
    guard.lock_down([folder.resolve() for folder in selection.folders.values()])
    with imports_limited(import_limit_s):
        return selection.load()


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def encoded(kind: str, content: Any) -> bytes:
    """A message as JSON: what comes from a process that ran detections is not to be trusted with more."""
    return json.dumps([kind, content], default=_plain, ensure_ascii=False).encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else repr(value)


def _answer(selection: Selection, question: Question, arguments: tuple[Any, ...], pipe: Connection) -> None:
    try:
        message = encoded("answer", question(load_confined(selection, IMPORT_LIMIT_S), *arguments))
    except DetectionError as error:
        message = encoded("wrong", error.problems)
    pipe.send_bytes(message)
