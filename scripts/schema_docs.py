"""Write docs/schema.json and the tables of docs/schemas.md from the keys that the loader of schemas knows.

python scripts/schema_docs.py           writes both
python scripts/schema_docs.py --check   exits with 1 where they are out of date
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pages import filled, publish

from headwater.schema.jsonschema import json_schema
from headwater.schema.pages import TABLES, key_table

DOCS = Path(__file__).parents[1] / "docs"
REFERENCE = DOCS / "schemas.md"
JSON_SCHEMA = DOCS / "schema.json"


def main() -> int:
    """Write the files, or compare them."""
    before = REFERENCE.read_text(encoding="utf-8")
    return publish({REFERENCE: rendered(before), JSON_SCHEMA: json.dumps(json_schema(), indent=2) + "\n"})


def rendered(text: str) -> str:
    """The reference with every table between its markers made anew."""
    return filled(text, {name: key_table(name) for name in TABLES})


if __name__ == "__main__":
    sys.exit(main())
