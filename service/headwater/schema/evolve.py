"""What an edit of a schema changes, and whether rows that are stored already allow it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from headwater.schema.logtype import Field, LogType

# Types that may follow each other: the column of the lake stays what it is, and so do the values that rules see.
WIDENED = frozenset({("smallint", "int"), ("smallint", "bigint"), ("int", "bigint"), ("object", "json")})
KEYS = ("description", "reference_url", "key_pattern", "content_keys", "content_line", "parser")
SPELLING = {
    "reference_url": "referenceURL",
    "key_pattern": "keyPattern",
    "content_keys": "content.keys",
    "content_line": "content.line",
    "event_time": "isEventTime",
    "time_formats": "timeFormats",
    "empty_values": "emptyValues",
    "wire": "rename.from",
    "trim": "trimSpace",
    "embedded": "isEmbeddedJSON",
    "validation": "validate",
    "piece": "split",
}
JUDGED = frozenset({"name", "type", "required", "element", "fields"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of two schemas. path: user.name, items[].id, parser. change: added, removed, retyped, changed."""

    path: str
    change: str
    allowed: bool
    message: str


def differences(old: LogType, new: LogType) -> tuple[Difference, ...]:
    """Every difference, in the order of the old schema, new fields last."""
    return (*_top(old, new), *_fields(old.fields, new.fields, ""))


def is_allowed(found: Sequence[Difference]) -> bool:
    """Whether the whole edit is."""
    return all(each.allowed for each in found)


def _top(old: LogType, new: LogType) -> Iterator[Difference]:
    if old.name != new.name:
        message = f"{old.name} became {new.name}: a new name is a new log type, with a table of its own"
        yield Difference("schema", "renamed", False, message)
    if new.version < old.version:
        yield Difference("version", "changed", False, f"{old.version} became {new.version}: versions only grow")
    elif new.version > old.version:
        yield Difference("version", "changed", True, f"{old.version} became {new.version}")
    for key in KEYS:
        if getattr(old, key) != getattr(new, key):
            yield Difference(SPELLING.get(key, key), "changed", True, "says how new rows are read or described")


def _fields(old: Sequence[Field], new: Sequence[Field], prefix: str) -> Iterator[Difference]:
    before, after = {each.name: each for each in old}, {each.name: each for each in new}
    gone = [each for each in old if each.name not in after]
    added = [each for each in new if each.name not in before]
    for name, each in before.items():
        if name in after:
            yield from _field(each, after[name], prefix + name)
    for each in gone:
        yield Difference(prefix + each.name, "removed", False, _removal(each, added))
    for each in added:
        yield _addition(each, prefix, {name.lower(): name for name in before})


def _removal(gone: Field, added: Sequence[Field]) -> str:
    heir = next((each for each in added if each.wire == gone.wire or each.wire == gone.name), None)
    if heir is not None:
        return f"renamed to {heir.name}: keep the name, for stored rows have it; rename.from may change"
    return "stored rows and rules may use it: keep the field and make it optional"


def _addition(each: Field, prefix: str, before: Mapping[str, str]) -> Difference:
    path = prefix + each.name
    if each.name.lower() in before:
        return Difference(path, "added", False, f"differs from {before[each.name.lower()]} by letter case alone")
    if each.required:
        return Difference(path, "added", False, "a new field must be optional: older records do not have it")
    return Difference(path, "added", True, f"a new {each.type}; null in stored rows")


def _field(old: Field, new: Field, path: str) -> Iterator[Difference]:
    if old.type != new.type:
        yield _retyped(old.type, new.type, path)
    elif old.element is not None and new.element is not None:
        yield from _field(old.element, new.element, f"{path}[]")
    if old.required != new.required:
        message = "rows without it are rejected from now on" if new.required else "rows may lack it from now on"
        yield Difference(f"{path}.required", "changed", old.required, message)
    for attribute in fields(Field):
        if attribute.name not in JUDGED and getattr(old, attribute.name) != getattr(new, attribute.name):
            key = SPELLING.get(attribute.name, attribute.name)
            yield Difference(f"{path}.{key}", "changed", True, "holds for new rows")
    if new.type != "json":
        yield from _fields(old.fields, new.fields, f"{path}.")


def _retyped(old: str, new: str, path: str) -> Difference:
    if (old, new) in WIDENED:
        return Difference(path, "retyped", True, f"{old} became {new}, which is stored the same way")
    message = f"{old} became {new}: stored rows cannot follow; add a field of another name with rename.from"
    return Difference(path, "retyped", False, message)
