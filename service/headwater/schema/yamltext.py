"""Documents as YAML text that reads back as it was, and a proposed schema as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from headwater.schema.infer import Proposed
from headwater.yamlfile import scalar


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.2 would not read as text, and indents lists below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = scalar(text) == text and text.isprintable()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _text)


def schema_yaml(
    name: str, fields: Sequence[Proposed], *, description: str, parser: Mapping[str, Any], comments: Sequence[str] = ()
) -> str:
    """The YAML of a schema file. parser: its section, empty for JSON."""
    document: dict[str, Any] = {"schema": name, "version": 1, "description": description}
    if parser:
        document["parser"] = dict(parser)
    document["fields"] = [_field(each) for each in fields]
    return "".join(f"# {comment}\n" for comment in comments) + yaml_text(document)


def yaml_text(document: Mapping[str, Any]) -> str:
    """A document of plain types as YAML 1.2, its keys in their order."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True))


def _field(each: Proposed) -> dict[str, Any]:
    head: dict[str, Any] = {"name": each.name}
    if each.wire != each.name:
        head["rename"] = {"from": each.wire}
    return head | _typed(each) | {"description": each.description}


def _typed(each: Proposed) -> dict[str, Any]:
    parts: dict[str, Any] = {"type": each.type}
    if each.required:
        parts["required"] = True
    if each.event_time:
        parts["isEventTime"] = True
    if each.time_formats:
        parts["timeFormats"] = list(each.time_formats)
    if each.indicators:
        parts["indicators"] = list(each.indicators)
    if each.element is not None:
        parts["element"] = _typed(each.element)
    if each.fields:
        parts["fields"] = [_field(inner) for inner in each.fields]
    return parts
