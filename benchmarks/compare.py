"""Compare two commits by make bench: python benchmarks/compare.py OLD [NEW]

Each is measured in a work tree of its own, one behind the other, by its own benchmark, with the environment at hand.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson
from rich import box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Measure both and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new", nargs="?", default="HEAD")
    parser.add_argument("--rows", default="40000")
    given = parser.parse_args()
    old, new = (measured(commit, given.rows) for commit in (given.old, given.new))
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("ratio", given.old, given.new, "change"):
        table.add_column(column, justify="left" if column == "ratio" else "right")
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name), new.get(name)
        change = f"{(after / before - 1) * 100:+.0f} %" if before and after else ""
        table.add_row(name, *("" if value is None else f"{value:g}" for value in (before, after)), change)
    Console().print(table)


def measured(commit: str, rows: str) -> dict[str, float | None]:
    """The last line of a commit's benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _git("worktree", "add", "--detach", str(tree), commit)
        try:
            out = subprocess.run(
                [sys.executable, "benchmarks/throughput.py", "--rows", rows],
                cwd=tree,
                env={**os.environ, "PYTHONPATH": str(tree / "service")},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            ).stdout
        finally:
            _git("worktree", "remove", "--force", str(tree))
    found: dict[str, float | None] = orjson.loads(out.splitlines()[-1])
    return found


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
