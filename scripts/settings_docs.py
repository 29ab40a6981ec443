"""Write the tables of docs/configuration.md from the code that reads the settings.

python scripts/settings_docs.py           rewrites the tables
python scripts/settings_docs.py --check   exits with 1 where they are out of date
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pages import filled, publish
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from headwater.accounts.document import (
    AccountDocument,
    CentralDocument,
    DefaultsDocument,
    OwnDestinationDocument,
    RetentionDocument,
    SourceDocument,
)
from headwater.destinations.config import DestinationDocument, MatchDocument, QuietDocument, RouteDocument
from headwater.settings import Settings

DOCUMENT = Path(__file__).parents[1] / "docs" / "configuration.md"
TABLES: Mapping[str, type[BaseModel]] = {
    "central": CentralDocument,
    "defaults": DefaultsDocument,
    "account": AccountDocument,
    "retention": RetentionDocument,
    "destination": OwnDestinationDocument,
    "source": SourceDocument,
    "places": DestinationDocument,
    "routes": RouteDocument,
    "match": MatchDocument,
    "quiet_hours": QuietDocument,
    "settings": Settings,
}


def main() -> int:
    """Rewrite the document, or compare it."""
    return publish({DOCUMENT: rendered(DOCUMENT.read_text(encoding="utf-8"))})


def rendered(text: str) -> str:
    """The document with every table between its markers made anew."""
    return filled(text, {name: _table(model) for name, model in TABLES.items()})


def _table(model: type[BaseModel]) -> str:
    prefix = "HEADWATER_" if model is Settings else ""
    rows = [_row(prefix, field.alias or name, field) for name, field in model.model_fields.items()]
    title = "Variable" if prefix else "Key"
    return "\n".join([f"| {title} | Default | Meaning |", "|---|---|---|", *rows])


def _row(prefix: str, name: str, field: FieldInfo) -> str:
    shown = f"{prefix}{name.upper()}" if prefix else name
    meaning = f"{field.description or ''}{_choices(field.annotation)}{_bounds(field)}"
    return f"| `{shown}` | {_default(field)} | {meaning.replace('|', chr(92) + '|')} |"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "none"
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default is None or field.default in ("", ()):
        return "none"
    if isinstance(field.default, tuple):
        return f"`{json.dumps(field.default)}`"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default}`"


def _choices(annotation: Any) -> str:
    """The words a setting may take."""
    words = [word for word in _literals(annotation) if isinstance(word, str)]
    return f" One of {', '.join(f'`{word}`' for word in words)}." if words else ""


def _literals(annotation: Any) -> list[object]:
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        return list(arguments)
    return [word for argument in arguments for word in _literals(argument)]


def _bounds(field: FieldInfo) -> str:
    words = {Ge: ("at least", "ge"), Gt: ("more than", "gt"), Le: ("at most", "le")}
    found = [
        f"{words[type(limit)][0]} {getattr(limit, words[type(limit)][1]):,}"
        for limit in field.metadata
        if type(limit) in words
    ]
    return f" ({', '.join(found)})" if found else ""


if __name__ == "__main__":
    sys.exit(main())
