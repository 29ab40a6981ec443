"""Run a checkout of panther-labs/panther-analysis through Headwater: python tests/compat/run_public.py CHECKOUT.

Exit 1 unless every unit and correlation test passes and the pack can be added.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LEAST_TESTS = 3_595  # 3,502 that its own tool runs, 2 of the rule in YAML alone, 91 of correlation rules
MAIN = "from headwater.cli.app import main; main()"


def headwater(home: str, *arguments: str) -> Any:
    """The JSON that a command prints. Raises: SystemExit with what it said where it failed."""
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *arguments, "--output", "json"],
        env={**os.environ, "HEADWATER_HOME": home},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or not done.stdout:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main(checkout: Path) -> int:
    """Print what came of it."""
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        tested = headwater(home, "detections", "test", str(checkout))
        elapsed_s = time.monotonic() - started
        (added,) = headwater(home, "packs", "add", str(checkout), "--name", "public")
    tests = tested["summary"]["tests"]
    print(f"tests: {tests['passed']} passed, {tests['failed']} failed in {elapsed_s:.1f} s")  # noqa: T201
    print(f"packs add: {added['detections']} detections, {added['enabled']} enabled")  # noqa: T201
    for result in tested["results"]:
        if not result["passed"]:
            print(f"FAIL {result['rule_id']}: {result['test_name']}: {result['reasons']}")  # noqa: T201
    return int(tests["failed"] > 0 or tests["passed"] < LEAST_TESTS)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
