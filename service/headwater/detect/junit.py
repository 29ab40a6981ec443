"""Results of unit tests as JUnit XML, which every CI system reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, tostring

from headwater.detect.unit_tests import TestResult

UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold


def junit(results: Sequence[TestResult]) -> bytes:
    """One suite a detection, one case a test."""
    root = Element("testsuites", _totals(results))
    for rule_id, found in groupby(sorted(results, key=lambda result: result.rule_id), lambda result: result.rule_id):
        mine = list(found)
        suite = SubElement(root, "testsuite", {"name": _text(rule_id), **_totals(mine)})
        for result in mine:
            _case(suite, result)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _totals(results: Sequence[TestResult]) -> dict[str, str]:
    failed = sum(not result.passed for result in results)
    return {
        "tests": str(len(results)),
        "failures": str(failed),
        "errors": "0",
        "time": f"{sum(result.seconds for result in results):.4f}",
    }


def _case(suite: Element, result: TestResult) -> None:
    place = {"file": result.file, "line": str(result.line or 1)} if result.file else {}
    case = SubElement(
        suite,
        "testcase",
        {
            "classname": _text(result.rule_id),
            "name": _text(result.test_name),
            "time": f"{result.seconds:.4f}",
            **place,
        },
    )
    if not result.passed:
        first = result.reasons[0] if result.reasons else "failed"
        SubElement(case, "failure", {"message": _text(first)}).text = _text("\n".join(result.reasons))
    if result.printed:
        SubElement(case, "system-out").text = _text(result.printed)


def _text(text: str) -> str:
    return UNPRINTABLE.sub("\ufffd", text)
