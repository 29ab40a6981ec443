"""The soak test in short: failing calls, killed workers, and every object accounted for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_failing_calls_and_killed_workers_lose_and_double_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "scripts/soak", "200", "--services", "1", "--kill-every-s", "20", "--limit-s", "240"]

    ran = subprocess.run(
        [*command, "--folder", str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert (found["rows_lost"], found["rows_doubled"], found["wrong"]) == (0, 0, {})
