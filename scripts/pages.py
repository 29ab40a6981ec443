"""Generated pages: written, or with --check compared with what is there."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path


def publish(pages: Mapping[Path, str]) -> int:
    """The exit code of a script that makes these pages: 1 where --check finds one that is out of date."""
    stale = {path: text for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text}
    if "--check" in sys.argv[1:]:
        return int(bool(stale))
    for path, text in stale.items():
        path.write_text(text, "utf-8")
    return 0
