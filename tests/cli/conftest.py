"""The command in a process of its own, with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Headwater = Callable[..., Ran]


@pytest.fixture
def headwater(tmp_path: Path) -> Headwater:
    """headwater("alerts", "list") runs the command in an empty folder."""

    def run(*arguments: str | Path, **environment: str) -> Ran:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
        done = subprocess.run(
            [sys.executable, "-c", "from headwater.cli.app import main; main()", *map(str, arguments)],
            env={**clean, "HEADWATER_HOME": str(tmp_path / "home"), "COLUMNS": "200", **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
