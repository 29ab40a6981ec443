"""YAML 1.2 documents with the line of every key, for files that people write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from headwater.errors import ConfigError

Path = tuple[str | int, ...]

# YAML 1.2 core schema; everything else (yes, on, 2024-01-01, 1_000, 1:30) stays text.
NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
INT = re.compile(r"[-+]?[0-9]+\Z")
OCTAL_OR_HEX = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml parses 30 times faster than pure Python
MAX_NODES = 1_000_000  # aliases can multiply ("billion laughs"); no hand-written file comes near


@dataclass(frozen=True, slots=True)
class Document:
    """data: plain dicts, lists and scalars.

    lines, columns: where each path, e.g. ("accounts", 0, "id"), stands in the file, from 1.
    """

    data: Any
    lines: Mapping[Path, int]
    columns: Mapping[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int | None:
        """The line of a path, or of its nearest parent that stands in the file."""
        return self.place(path)[0]

    def place(self, path: Path) -> tuple[int | None, int | None]:
        """Line and column of a path, or of its nearest parent that stands in the file."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]], self.columns.get(path[:end])
        return None, None


def load(text: str, file: str) -> Document:
    """The single document of a YAML text.

    Raises: ConfigError for bad syntax, duplicate keys, several documents.
    """
    try:
        node = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise ConfigError.one(file, f"not YAML: {error.problem or error.context}", line=line, column=column) from error
    except yaml.YAMLError as error:
        raise ConfigError.one(file, f"not YAML: {error}") from error
    builder = _Builder(file)
    data = None if node is None else builder.build(node, ())
    return Document(data, builder.lines, builder.columns)


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.columns: dict[Path, int] = {}
        self.nodes = 0

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ConfigError.one(self.file, f"more than {MAX_NODES} values", fix="Remove nested YAML aliases.")
        self.lines.setdefault(path, node.start_mark.line + 1)
        self.columns.setdefault(path, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        plain = isinstance(node, yaml.ScalarNode) and not node.style
        return scalar(node.value) if plain else node.value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error("a key must be plain text", key_node)
            key = str(key_node.value)
            if key == "<<" and isinstance(value_node, yaml.MappingNode):
                result = {**self.build(value_node, path), **result}
                continue
            if key in result and (*path, key) in self.lines:
                raise self._error(f"key {key!r} stands twice", key_node)
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            self.columns[(*path, key)] = key_node.start_mark.column + 1
            result[key] = self.build(value_node, (*path, key))
        return result

    def _error(self, message: str, node: yaml.Node) -> ConfigError:
        mark = node.start_mark
        return ConfigError.one(self.file, message, line=mark.line + 1, column=mark.column + 1)


def scalar(text: str) -> Any:
    """A plain (unquoted) scalar by the YAML 1.2 core schema."""
    if NULL.match(text):
        return None
    if BOOL.match(text):
        return text.lower() == "true"
    if INT.match(text):
        return int(text)
    if OCTAL_OR_HEX.match(text):
        return int(text, 0)
    if FLOAT.match(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
