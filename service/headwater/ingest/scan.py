"""JSON texts → the texts inside them that are to be looked at for indicators: declared parts, and AWS's usual names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from headwater.schema.logtype import Field

# Names under which AWS services write such values in requestParameters, responseElements and the like.
SCAN_KEYS: Mapping[str, str] = {
    "instanceId": "aws_instance_id",
    "instance-id": "aws_instance_id",
    "accountId": "aws_account_id",
    "account": "aws_account_id",
    "ipv6Address": "ip",
    "ipv6Addresses": "ip",
    "publicIp": "ip",
    "privateIpAddress": "ip",
    "publicIpAddress": "ip",
    "ipAddress": "ip",
    "ipAddressV4": "ip",
    "sourceIPAddress": "ip",
    "sourceIpAddress": "ip",
    "publicDnsName": "domain",
    "privateDnsName": "domain",
    "domain": "domain",
}
SCAN_SUFFIXES = (("InstanceId", "aws_instance_id"), ("AccountId", "aws_account_id"))
TAG_KEYS = frozenset({"tags", "Tags", "tagSet", "TagSet", "tagList", "TagList"})
# A text without any of these holds nothing to find; most requests do not. `\\?` is no part of JSON's own spelling.
WORTH_A_LOOK = (
    "arn:|"
    + "|".join(
        f'{name}"'
        for name in (
            "[iI]nstance-?[iI]d",
            "ccountId",
            '"account',
            "[iI][pP]",
            "Address(?:es|V4)?",
            "DnsName",
            '"domain',
        )
    )
    + '|"(?:[tT]ags|[tT]agSet|[tT]agList)"'
)

Path = tuple[str, ...]


Finds = dict[str, list[tuple[int, str]]]  # by indicator: number of the document, text found in it


def find(field: Field, documents: pa.Array) -> Finds:
    """The texts of N JSON documents by indicator: at the declared parts, or anywhere if the field is scanned."""
    finds: Finds = defaultdict(list)
    shape = _shape(field)
    if shape is not None:
        _find_declared(shape, documents, finds)
    if "scan" in field.indicators:
        _find_anywhere(documents, finds)
    return finds


@dataclass(frozen=True, slots=True)
class _Shape:
    """decode: text → struct (or list of them). leaves: attribute path, wire path and indicators of a declared part."""

    decode: Any
    is_list: bool
    leaves: tuple[tuple[str, Path, tuple[str, ...]], ...]


@cache
def _shape(field: Field) -> _Shape | None:
    parts = field.element.fields if field.element is not None else field.fields
    struct, leaves = _struct(parts, "", ())
    if not leaves:
        return None
    is_list = field.type == "array"
    return _Shape(msgspec.json.Decoder(list[struct] if is_list else struct).decode, is_list, leaves)  # type: ignore[valid-type]


def _struct(
    parts: Sequence[Field], attribute: str, path: Path
) -> tuple[type[Any], tuple[tuple[str, Path, tuple[str, ...]], ...]]:
    """A struct of those parts that lead to indicators, and the leaves below it. Absent objects are empty structs."""
    members: list[tuple[str, Any, Any]] = []
    leaves: list[tuple[str, Path, tuple[str, ...]]] = []
    rename: dict[str, str] = {}
    for number, part in enumerate(parts):
        name = f"f{number}"
        inner, below = _struct(part.fields, f"{attribute}{name}.", (*path, part.name))
        if part.indicators:
            members.append((name, msgspec.Raw if "scan" in part.indicators else str | None, None))
            leaves.append((attribute + name, (*path, part.name), part.indicators))
        elif below:
            members.append((name, inner, inner()))
            leaves.extend(below)
        rename[name] = part.name
    return msgspec.defstruct("Part", members, rename=rename, frozen=True, gc=False), tuple(leaves)


def _find_declared(shape: _Shape, documents: pa.Array, finds: Finds) -> None:
    numbers: list[int] = []
    structs: list[Any] = []
    for number, text in enumerate(documents.to_pylist()):
        try:
            found = shape.decode(text)
        except (msgspec.DecodeError, RecursionError):
            _find_slowly(shape, number, text, finds)
            continue
        if shape.is_list:
            structs.extend(found)
            numbers.extend([number] * len(found))
        else:
            structs.append(found)
            numbers.append(number)
    for attribute, _, indicators in shape.leaves:
        values = list(map(attrgetter(attribute), structs))
        for indicator in indicators:
            if indicator == "scan":
                _scan_parts(numbers, values, finds)
            else:
                finds[indicator].extend([pair for pair in zip(numbers, values, strict=True) if pair[1] is not None])


def _scan_parts(numbers: Sequence[int], values: Sequence[msgspec.Raw | None], finds: Finds) -> None:
    for number, raw in zip(numbers, values, strict=True):
        if raw is not None:
            _scan_text(memoryview(raw), number, finds)


def _find_slowly(shape: _Shape, number: int, text: str, finds: Finds) -> None:
    """A document whose declared parts have other types than declared."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:  # nested deeper than any real record
        return
    for _, path, indicators in shape.leaves:
        for value in _at(document, path):
            for indicator in indicators:
                if indicator == "scan":
                    _scan_text(orjson.dumps(value).decode(), number, finds)
                elif isinstance(value, str | int) and not isinstance(value, bool):
                    finds[indicator].append((number, str(value)))


def _at(value: Any, path: Path) -> Iterator[Any]:
    """The values at a path of names, through lists; letter case does not count where the exact name is absent."""
    if isinstance(value, list):
        for item in value:
            yield from _at(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        name = path[0]
        if name not in value:
            name = next((key for key in value if key.lower() == name.lower()), name)
        if name in value:
            yield from _at(value[name], path[1:])


def _find_anywhere(documents: pa.Array, finds: Finds) -> None:
    worth = pc.indices_nonzero(pc.match_substring_regex(documents, WORTH_A_LOOK))
    for number, text in zip(worth.to_pylist(), documents.take(worth).to_pylist(), strict=True):
        _scan_text(text, number, finds)


def _scan_text(text: str | memoryview, number: int, finds: Finds) -> None:
    try:
        _scan([orjson.loads(text)], "", number, finds)
    except (orjson.JSONDecodeError, RecursionError):  # nested deeper than any real record
        return


def _scan(value: Any, key: str, number: int, finds: Finds) -> None:
    """Every text inside a JSON value that begins with arn: or stands under a telling name."""
    items = (
        value.items() if isinstance(value, dict) else [(key, item) for item in value] if isinstance(value, list) else ()
    )
    for name, item in items:
        if isinstance(item, str):
            if item.startswith("arn:"):
                finds["aws_arn"].append((number, item))
            elif (indicator := _indicator(name)) is not None:
                finds[indicator].append((number, item))
        elif isinstance(item, dict | list):
            _scan(item, name, number, finds)
            if name in TAG_KEYS and isinstance(value, list):
                _add_tag(item, number, finds)


@lru_cache(maxsize=4096)  # the names that AWS uses come again and again
def _indicator(key: str) -> str | None:
    if key in SCAN_KEYS:
        return SCAN_KEYS[key]
    return next((indicator for suffix, indicator in SCAN_SUFFIXES if key.endswith(suffix)), None)


def _add_tag(item: dict[str, Any] | list[Any], number: int, finds: Finds) -> None:
    if not isinstance(item, dict):
        return
    key, value = item.get("key", item.get("Key")), item.get("value", item.get("Value"))
    if isinstance(key, str) and isinstance(value, str):
        finds["aws_tag"].append((number, f"{key}:{value}"))
