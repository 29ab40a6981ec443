"""Write docs/log-types/, one page for each log type, from the library of schemas.

python scripts/log_type_docs.py           writes the pages
python scripts/log_type_docs.py --check   exits with 1 where they are out of date
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pages import publish

from headwater.schema.load import LIBRARY, load_library
from headwater.schema.pages import index_page, log_type_page

DOCS = Path(__file__).parents[1] / "docs"
PAGES = DOCS / "log-types"
EXAMPLES = DOCS / "examples" / "schemas"


def main() -> int:
    """Write the pages, or compare them."""
    pages = rendered()
    stale = [path for path in PAGES.glob("*.md") if path.name not in pages]
    if "--check" in sys.argv[1:] and stale:
        return 1
    for path in stale:
        path.unlink()
    return publish({PAGES / name: text for name, text in pages.items()})


def rendered() -> Mapping[str, str]:
    """Every page by file name."""
    builtin, all_types = load_library(), load_library([EXAMPLES])
    pages = {f"{name}.md": log_type_page(each, _sample(name)) for name, each in builtin.items()}
    examples = [each for name, each in all_types.items() if name not in builtin]
    return {**pages, "README.md": index_page(builtin.values(), examples)}


def _sample(name: str) -> Mapping[str, Any] | None:
    """The row of the golden file that tells most."""
    golden = LIBRARY / name / "golden.jsonl"
    lines = _text(golden).splitlines()
    rows = [row for row in map(json.loads, lines) if "reject" not in row]
    return max(rows, key=len, default=None)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
