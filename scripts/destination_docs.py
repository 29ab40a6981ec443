"""Write the tables of docs/destinations.md from the kinds of destination.

python scripts/destination_docs.py           rewrites the tables
python scripts/destination_docs.py --check   exits with 1 where they are out of date
"""

from __future__ import annotations

import sys
from pathlib import Path

from pages import filled, publish
from pydantic.fields import FieldInfo

from headwater.destinations.kind import Kind, load_kinds

DOCUMENT = Path(__file__).parents[1] / "docs" / "destinations.md"


def main() -> int:
    """Rewrite the document, or compare it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return publish({DOCUMENT: filled(text, {name: _table(kind) for name, kind in load_kinds().items()})})


def _table(kind: Kind) -> str:
    fields = sorted(kind.config_model.model_fields.items(), key=lambda item: not item[1].is_required())
    rows = [f"| `{name}` | {_default(field)} | {field.description} |" for name, field in fields]
    return "\n".join(["| Field | Default | Meaning |", "|---|---|---|", *rows])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return f"`{field.default}`" if field.default not in (None, "", (), {}) else "none"


if __name__ == "__main__":
    sys.exit(main())
