"""Write docs/rules.md, a table of the detections that come with Headwater, from their files.

python scripts/rule_docs.py           writes the page
python scripts/rule_docs.py --check   exits with 1 where it is out of date
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pages import publish

from headwater.detect.load import builtin_path, load_pack
from headwater.detect.spec import Spec

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
KINDS = ("rule", "correlation_rule", "scheduled_rule", "policy")
HEAD = """# Built-in detections

<!-- Written by scripts/rule_docs.py from service/headwater/content; do not edit. -->

{count} detections come with Headwater. Severity is the usual one; many rules raise or lower it by what the event holds.
`signal` marks those that make no alert of their own: correlation rules and queries use them.
`headwater detections list` shows the same in a terminal. The description in each rule's file says what makes it match
wrongly, its runbook what to do.
"""
TABLE = """
## {log_type}

| Id | Severity | Tells | ATT&CK |
|---|---|---|---|
"""


def main() -> int:
    """Write the page, or compare it."""
    return publish({PAGE: rendered()})


def rendered() -> str:
    """The page: one table for each log type, correlations and the like last."""
    specs = [spec for spec in load_pack([builtin_path()]).specs if spec.kind in KINDS]
    tables: dict[str, list[Spec]] = {}
    for spec in sorted(specs, key=lambda each: each.id):
        tables.setdefault(_heading(spec), []).append(spec)
    order = sorted(tables, key=lambda heading: ("." not in heading, heading))
    return HEAD.format(count=len(specs)) + "".join(_table(heading, tables[heading]) for heading in order)


def _heading(spec: Spec) -> str:
    log_types = [str(each) for each in spec.data.get("LogTypes") or ()]
    if len(log_types) == 1:
        return log_types[0]
    return "Several log types" if log_types else "Several events"


def _table(heading: str, specs: Iterable[Spec]) -> str:
    return TABLE.format(log_type=heading) + "".join(f"| {' | '.join(_cells(spec))} |\n" for spec in specs)


def _cells(spec: Spec) -> Iterator[str]:
    signal = "" if spec.data.get("CreateAlert", True) else ", signal"
    techniques = (spec.data.get("Reports") or {}).get("MITRE ATT&CK", [])
    yield f"`{spec.id}`"
    yield f"{spec.data.get('Severity', '')}{signal}"
    yield str(spec.data.get("DisplayName") or "").replace("|", "\\|")
    yield " ".join(dict.fromkeys(str(each).partition(":")[2] for each in techniques))


if __name__ == "__main__":
    sys.exit(main())
