"""What was seen in the fields → the fields that a schema should declare.

Where the values of a field do not agree, the type is the one that keeps them all as they are: text, or JSON. A text is
never made a number where it was quoted, and no number is typed so that it would lose digits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headwater.schema import names
from headwater.schema.logtype import INDICATORS, STANDARD_COLUMNS
from headwater.schema.observe import Member, Observations, Observed
from headwater.schema.textkinds import AMBIGUOUS, DATES, STRFTIME, TIME_FORMATS, UNIX_UNITS, Kinds

MOSTLY = 0.9  # share of the texts that must look like an indicator
MOST_FORMATS = 3
NO_VALUE = frozenset({"nil", "empty"})
STANDARD_NAMES = frozenset(column.name for column in STANDARD_COLUMNS)


@dataclass(frozen=True, slots=True)
class Proposed:
    """One field of a proposed schema. wire: its name in the records. note: why the type is wider than expected."""

    name: str
    wire: str
    type: str
    description: str = ""
    required: bool = False
    event_time: bool = False
    time_formats: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    element: Proposed | None = None
    fields: tuple[Proposed, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Type:
    """The type alone, without a name."""

    type: str
    time_formats: tuple[str, ...] = ()
    element: Proposed | None = None
    fields: tuple[Proposed, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """text: values came as cells of a line, so that a text of digits may be a number.

    keep: top-level wire names whose values are to stay text. optional: those that are not to be required.
    """

    text: bool = False
    keep: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


def infer(seen: Observations, rules: Rules) -> tuple[Proposed, ...]:
    """The proposed fields of the records, in their order; none where no record had a field."""
    total = seen.rows - seen.empty_rows
    fields = _distinct([_member(each, total, rules, top=True) for each in seen.root.ordered()])
    return _with_event_time(fields, seen.root.members)


def _member(member: Member, total: int, rules: Rules, *, top: bool = False) -> Proposed:
    seen, name = member.seen, member.name
    found = _Type("string") if top and name in rules.keep and not _is_nested(seen) else _type_of(seen, name, rules)
    if top and name in rules.keep and _is_nested(seen):
        found = _Type("json")
    present = seen.values
    return Proposed(
        name=_column(name),
        wire=name,
        type=found.type,
        description=_description(seen, name, present, total),
        required=top and present == total and name not in rules.optional,
        time_formats=found.time_formats,
        indicators=_indicators(seen, found, name),
        element=found.element,
        fields=found.fields,
        note=f"{name}: {found.note}" if found.note else "",
    )


def _is_nested(seen: Observed) -> bool:
    return bool(seen.objects or seen.arrays)


def _type_of(seen: Observed, name: str, rules: Rules) -> _Type:
    if seen.objects:
        mixed = seen.arrays or seen.scalars
        note = "objects and other values are mixed" if mixed else ""
        fields = () if mixed else _distinct([_member(each, seen.objects, rules) for each in seen.ordered()])
        return _Type("object", fields=fields) if fields else _Type("json", note=note)
    if seen.arrays:
        return _array(seen, name, rules)
    return _scalar(seen, name, rules)


def _array(seen: Observed, name: str, rules: Rules) -> _Type:
    """A list; single values beside it are lists of one."""
    items = _with_scalars(seen.element or Observed(), seen)
    if items.arrays or (items.objects and items.scalars):
        return _Type("json", note="lists of lists" if items.arrays else "objects and other values are mixed")
    inner = _type_of(items, name, rules)
    if inner.type == "timestamp":
        inner = _Type("string")
    element = Proposed("element", "element", inner.type, element=inner.element, fields=inner.fields)
    return _Type("array", element=element, note=inner.note)


def _with_scalars(items: Observed, beside: Observed) -> Observed:
    """The items of lists together with the single values that stood in their place."""
    whole = [each for each in (items, beside) if each.ints]
    return replace(
        items,
        booleans=items.booleans + beside.booleans,
        ints=items.ints + beside.ints,
        floats=items.floats + beside.floats,
        texts=items.texts + beside.texts,
        numbers=items.numbers + beside.numbers,
        least=min((each.least for each in whole), default=0),
        most=max((each.most for each in whole), default=0),
        inexact=items.inexact or beside.inexact,
    )


def _scalar(seen: Observed, name: str, rules: Rules) -> _Type:
    present = {
        kind
        for kind, count in (
            ("boolean", seen.booleans),
            ("number", seen.ints + seen.floats),
            ("text", seen.strings),
        )
        if count
    }
    if len(present) > 1:
        return _Type("string", note=f"{' and '.join(sorted(present))} values are mixed, so all are kept as text")
    if present == {"boolean"}:
        return _Type("boolean")
    if present == {"number"}:
        return _number(seen, name)
    return _text(seen.texts, name, rules)


def _number(seen: Observed, name: str) -> _Type:
    formats = _time_formats(seen.numbers, name)
    if formats:
        return _Type("timestamp", formats)
    if seen.floats:
        return _Type("float") if seen.fits_float else _Type("string", note="numbers that no float can hold exactly")
    if not seen.fits_int64:
        return _Type("string", note="whole numbers beyond 64 bits")
    return _Type("int" if seen.least >= -(2**31) and seen.most < 2**31 else "bigint")


def _text(counted: Counter[Kinds], name: str, rules: Rules) -> _Type:
    if not counted:
        return _Type("string")
    formats = _time_formats(counted, name)
    if formats:
        return _Type("timestamp", formats)
    if all(kinds >= AMBIGUOUS for kinds in counted):
        return _Type("string", note="times whose day and month cannot be told apart")
    if not rules.text or names.is_id(name):
        return _Type("string")
    for kind, fitting in (
        ("boolean", {"boolean"}),
        ("int", {"int"}),
        ("bigint", {"int", "bigint"}),
        ("float", {"float"}),
    ):
        if all(kinds & fitting for kinds in counted):
            return _Type(kind)
    return _Type("string")


def _time_formats(counted: Mapping[Kinds, int], name: str) -> tuple[str, ...]:
    """The formats, few, in one of which every value is a time; none where the values or the name leave a doubt."""
    usable = frozenset(TIME_FORMATS) - (frozenset() if names.is_time(name) else frozenset(UNIX_UNITS) | DATES)
    masks = [kinds & usable for kinds in counted]
    common = frozenset.intersection(*masks) if masks else frozenset()
    if common >= frozenset(UNIX_UNITS) or common >= AMBIGUOUS:
        return ()
    if common:
        return (min(common, key=TIME_FORMATS.index),)
    chosen: list[str] = []
    for each in ("rfc3339", *STRFTIME):
        if each not in AMBIGUOUS and any(each in mask and not mask.intersection(chosen) for mask in masks):
            chosen.append(each)
    covered = chosen and all(mask.intersection(chosen) for mask in masks)
    return tuple(chosen) if covered and len(chosen) <= MOST_FORMATS else ()


def _indicators(seen: Observed, found: _Type, name: str) -> tuple[str, ...]:
    if found.type == "json":
        return ("scan",)
    if found.type == "bigint" and "account" in names.words(name):
        return ("aws_account_id",) if seen.least >= 10**11 and seen.most < 10**12 else ()
    texts = seen.texts
    if found.type == "array" and found.element is not None and seen.element is not None:
        if found.element.type != "string":
            return ()
        texts = seen.element.texts + seen.texts
    elif found.type != "string":
        return ()
    told = _text_indicator({kinds: count for kinds, count in texts.items() if not kinds & NO_VALUE}, name)
    return (told,) if told in INDICATORS else ()


def _text_indicator(counted: Mapping[Kinds, int], name: str) -> str:
    total = sum(counted.values())
    share = {kind: sum(n for kinds, n in counted.items() if kind in kinds) / max(total, 1) for kind in _kinds(counted)}
    for kind in ("aws_arn", "url", "email", "ip", "aws_instance_id", "sha256", "sha1"):
        if share.get(kind, 0) >= MOSTLY:
            return kind
    short, told = names.plain(name), names.words(name)
    if total and short in names.USERNAMES:
        return "username"
    if total and (short in names.TRACES or "trace" in told):
        return "trace_id"
    if share.get("md5", 0) >= MOSTLY and not names.is_id(name):
        return "md5"
    accounts = share.get("aws_account_id", 0)
    if accounts >= (0.5 if told & {"account", "acct", "owner"} else 1) and not names.is_time(name):
        return "aws_account_id"
    hosts = share.get("ip", 0) + share.get("domain", 0)
    if hosts >= MOSTLY or (hosts and told & {"host", "hostname"}):
        return "hostname" if share.get("ip") else "domain"
    return "mac" if share.get("mac", 0) >= MOSTLY else ""


def _kinds(counted: Mapping[Kinds, int]) -> frozenset[str]:
    return frozenset().union(*counted)


def _with_event_time(fields: Sequence[Proposed], members: Mapping[str, Member]) -> tuple[Proposed, ...]:
    """The fields with the likeliest event time marked: by name first, by how many rows have it second."""
    times = [each for each in fields if each.type == "timestamp"]
    if not times:
        return tuple(fields)
    chosen = min(
        times,
        key=lambda each: (
            names.event_time_rank(each.wire),
            not each.required,
            -members[each.wire.lower()].seen.values,
            each.wire,
        ),
    )
    return tuple(replace(each, event_time=each is chosen) for each in fields)


def _column(name: str) -> str:
    """A column name that SQL needs no quotes for."""
    clean = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "field"
    if clean[0].isdigit():
        clean = f"f_{clean}"
    return f"raw_{clean}" if clean.lower().startswith("p_") else clean


def _distinct(fields: Sequence[Proposed]) -> tuple[Proposed, ...]:
    """The fields with a number behind names that would occur twice; letter case does not count."""
    taken = {each.name.lower() for each in fields if each.name == each.wire}
    made: list[Proposed] = []
    for each in fields:
        name, number = each.name, 1
        while each.name != each.wire and name.lower() in taken:
            number += 1
            name = f"{each.name}_{number}"
        taken.add(name.lower())
        made.append(replace(each, name=name))
    return tuple(made)


def _description(seen: Observed, name: str, present: int, total: int) -> str:
    example = "" if seen.example is None or names.is_secret(name) else f", e.g. {seen.example}"
    return f"Seen in {present} of {total}{example}."
