"""docs/field-faults.md names tests that exist, and every case file of the field behaves as it should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SHARED = Path(os.environ.get("HEADWATER_SHARED", REPOSITORY.parent / "shared"))
NAMED = re.findall(r"\| (\S+\.py)::(test_\w+) \|", (REPOSITORY / "docs/field-faults.md").read_text())


def test_page_names_its_tests() -> None:
    assert len(NAMED) > 50


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)), ids=["::".join(named) for named in sorted(set(NAMED))])
def test_named_test_exists(file: str, name: str) -> None:
    assert f"def {name}(" in (REPOSITORY / "tests" / file).read_text()


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the shared cases are not here")
@pytest.mark.timeout(600)
def test_every_case_of_the_field_behaves_as_it_should() -> None:
    command = [sys.executable, SHARED / "cases/run", "--headwater", f"{sys.executable} -m headwater.cli.app"]

    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout
