"""docs/reliability.md tells of every test of the crash matrix, and of no failure."""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
sys.path.append(str(REPOSITORY / "scripts"))

from crash_matrix import ROWS, TESTS  # noqa: E402 - a script, not a package


def test_every_test_of_the_matrix_is_a_line_of_the_page() -> None:
    tests = re.findall(r"^def (test_\w+)", (REPOSITORY / TESTS).read_text(), re.MULTILINE)
    page = (REPOSITORY / "docs/reliability.md").read_text()
    lines = page.partition("<!-- begin crash matrix -->\n")[2].partition("<!-- end")[0].splitlines()[2:]

    assert sorted(ROWS) == sorted(tests)
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == [what for what, _, _ in ROWS.values()]
    assert {line.rstrip(" |").rpartition(" | ")[2] for line in lines} <= {"yes", "not run"}
