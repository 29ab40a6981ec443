"""Write docs/schema.json and the tables of docs/schemas.md from the keys that the loader of schemas knows.

python scripts/schema_docs.py           writes both
python scripts/schema_docs.py --check   exits with 1 where they are out of date
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pages import publish

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
    for name in TABLES:
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, found, rest = text.partition(begin)
        if not found:
            raise SystemExit(f"{REFERENCE} has no place for the keys of {name}: add {begin} and {end}")
        text = f"{before}{begin}\n{key_table(name)}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    sys.exit(main())
