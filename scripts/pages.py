"""Generated pages, and parts of pages: written, or with --check compared with what is there."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path


def filled(text: str, parts: Mapping[str, str]) -> str:
    """A page's text with each named part, between <!-- begin NAME --> and <!-- end NAME -->, made anew.

    Raises: ValueError for a part that has no place in the page.
    """
    for name, part in parts.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"the page has no place for {name}: add {begin.strip()} and {end}")
        text = f"{before}{begin}{part}\n{end}{after}"
    return text


def publish(pages: Mapping[Path, str]) -> int:
    """The exit code of a script that makes these pages: 1 where --check finds one that is out of date."""
    stale = {path: text for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text}
    if "--check" in sys.argv[1:]:
        return int(bool(stale))
    for path, text in stale.items():
        path.write_text(text, "utf-8")
    return 0
