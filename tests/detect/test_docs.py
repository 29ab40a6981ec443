"""The example of docs/detections.md works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from headwater.detect.functions import CHECKS
from headwater.detect.load import load_pack
from headwater.detect.unit_tests import run_tests

PAGE = (Path(__file__).parents[2] / "docs/detections.md").read_text("utf-8")


def test_example_rule_passes_its_unit_tests(write: Any) -> None:
    files = dict(re.findall(r"`my-detections/(\S+)`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))

    results = run_tests(load_pack([write(files)]))

    assert len(results) == 2
    assert [result.reasons for result in results] == [(), ()]


def test_every_function_is_described() -> None:
    assert [name for name in CHECKS if f"`{name}`" not in PAGE] == []
