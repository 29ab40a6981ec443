"""Pages of the documentation, made from log types and from the keys of the schema language."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headwater.schema.describe import all_fields, indicators_of, parser_name, type_name
from headwater.schema.keys import CONCAT, CONTENT, COPY, FIELD, MASK, PARSERS, RENAME, SPLIT, TOP, VALIDATE, Keys
from headwater.schema.logtype import INDICATOR_COLUMNS, STANDARD_COLUMNS, LogType

TABLES: Mapping[str, Keys] = {
    "top": TOP,
    "content": CONTENT,
    "field": FIELD,
    "rename": RENAME,
    "copy": COPY,
    "concat": CONCAT,
    "split": SPLIT,
    "mask": MASK,
    "validate": VALIDATE,
    **{f"parser {name}": keys for name, keys in PARSERS.items()},
}
LONGEST = 400  # characters of a text of a sample event


def log_type_page(log_type: LogType, sample: Mapping[str, Any] | None) -> str:
    """The page of one log type. sample: one row, as rules see it."""
    facts = [
        ("Recognised by object key", f"`{log_type.key_pattern}`" if log_type.key_pattern else ""),
        ("Recognised by keys", ", ".join(f"`{key}`" for key in log_type.content_keys)),
        ("Recognised by lines like", f"`{log_type.content_line}`" if log_type.content_line else ""),
        ("Read as", parser_name(log_type)),
        ("Schema version", str(log_type.version)),
        ("Table", f"`logs.{log_type.name.lower().replace('.', '_')}`"),
        ("Format", f"[{log_type.reference_url}]({log_type.reference_url})" if log_type.reference_url else ""),
    ]
    lines = [f"# {log_type.name}", "", log_type.description, ""]
    lines += [f"- {name}: {value}" for name, value in facts if value]
    lines += ["", "## Fields", "", "| Field | Type | Meaning |", "|---|---|---|"]
    lines += [_row(path, field) for path, field in all_fields(log_type.fields)]
    lines += ["", "Every row also has the [standard columns](README.md#standard-columns)."]
    if sample is not None:
        shown = json.dumps(_shortened(sample), indent=2, ensure_ascii=False)
        lines += ["", "## Example", "", "```json", shown, "```"]
    return "\n".join([*lines, ""])


def _row(path: str, field: Any) -> str:
    remarks = ["**Required.**"] if field.required else []
    remarks += ["Event time."] if field.event_time else []
    found = indicators_of(field)
    remarks += [f"Indicators: {', '.join(f'`{name}`' for name in found)}."] if found else []
    return f"| `{_cell(path)}` | {type_name(field)} | {_cell(' '.join([field.description, *remarks]))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return f"{value[:LONGEST]}…" if isinstance(value, str) and len(value) > LONGEST else value


def index_page(log_types: Iterable[LogType], examples: Sequence[LogType]) -> str:
    """The list of all log types, and the columns that every row has."""
    lines = [
        "# Log types",
        "",
        "Made from the schemas by `make docs`; see [schemas](../schemas.md) for adding your own.",
    ]
    lines += ["", *_list(log_types, linked=True)]
    lines += ["", "## Examples of your own", ""]
    lines += [
        "Schemas to start from, in [docs/examples/schemas](../examples/schemas):",
        "",
        *_list(examples, linked=False),
    ]
    lines += ["", "## Standard columns", "", "| Column | Meaning |", "|---|---|"]
    for column in STANDARD_COLUMNS:
        kind = "list of texts, sorted" if column.name in INDICATOR_COLUMNS else str(column.type)
        lines.append(f"| `{column.name}` | {column.metadata[b'description'].decode()} ({_cell(kind)}) |")
    return "\n".join([*lines, ""])


def _list(log_types: Iterable[LogType], *, linked: bool) -> list[str]:
    rows = ["| Log type | What it tells |", "|---|---|"]
    for each in sorted(log_types, key=lambda log_type: log_type.name):
        name = f"[{each.name}]({each.name}.md)" if linked else f"`{each.name}`"
        rows.append(f"| {name} | {_cell(each.description)} |")
    return rows


def key_table(name: str) -> str:
    """The table of one mapping of the schema language."""
    rows = ["| Key | Meaning |", "|---|---|"]
    for key, known in TABLES[name].items():
        rows.append(f"| `{key}` | {'**Required.** ' if known.is_required else ''}{_cell(known.meaning)} |")
    return "\n".join(rows)
