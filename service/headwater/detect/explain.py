"""What the pre-filter knows of a rule, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from headwater.detect.conditions import (
    AllOf,
    AnyOf,
    Asked,
    Condition,
    Kind,
    OneOf,
    Test,
    Text,
    Than,
    Truthy,
    absent,
    all_of,
    any_of,
    present,
)
from headwater.detect.functions import NOTHING
from headwater.detect.load import Detection, Pack
from headwater.detect.prefilter import Derived, Stop, derive, sources_of
from headwater.schema.logtype import LogType

OUTLINED = 500  # characters of a part of a condition that are shown
VALUES_MAX = 12  # values of one test that are written out
KIND_NAMES = {"text": "text", "int": "a number", "float": "a number", "bool": "true or false"}
KIND_NAMES |= {"mapping": "a mapping", "list": "a list"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The rows of some log types that a rule has to see, and where reading its source ended.

    condition: in words. outline: the same in lines, long parts left out. indexed: there are rows it need not see.
    """

    rule_id: str
    log_types: tuple[str, ...]
    indexed: bool
    condition: str
    outline: tuple[str, ...]
    stops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a schema says of the keys of its rows: texts is all they ever have, required is always there."""

    texts: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()


def facts_of(log_type: LogType) -> Facts:
    """What is certain of every row of a log type."""
    return Facts(
        frozenset(
            field.name for field in log_type.fields if pa.types.is_string(field.arrow_type) and not field.is_json
        ),
        frozenset(field.name for field in log_type.fields if field.required),
    )


def explain(pack: Pack, rule_id: str, facts: Mapping[str, Facts] = NOTHING) -> tuple[Explanation, ...]:
    """What a rule sees: one explanation for the log types that share one; none for an unknown id.

    facts: by log type.
    """
    rule = next((one for one in pack.rules if one.rule_id == rule_id), None)
    if rule is None:
        return ()
    found: dict[tuple[Condition, tuple[Stop, ...]], list[str]] = {}
    sources = sources_of(pack)[rule.folder]
    for log_type in rule.log_types:
        module = rule.subject.module
        derived = Derived(True)
        if rule.source is not None and module is not None:
            derived = derive(module, sources, pack.data_model(rule.folder, log_type))
        condition = narrowed(all_of(rule.condition, derived.condition), facts.get(log_type, Facts()))
        found.setdefault((condition, derived.stops), []).append(log_type)
    return tuple(_explanation(rule, log_types, *key) for key, log_types in found.items())


def narrowed(condition: Condition, facts: Facts) -> Condition:
    """The condition without tests that a schema answers."""
    if isinstance(condition, AllOf | AnyOf):
        parts = [narrowed(part, facts) for part in condition.parts]
        return all_of(*parts) if isinstance(condition, AllOf) else any_of(*parts)
    if isinstance(condition, bool) or condition.inside:
        return condition
    told: Condition = condition
    if isinstance(condition, Kind) and condition.key in facts.texts:
        there = present(condition.key) if "text" in condition.kinds else False
        told = any_of(there, absent(condition.key) if condition.missing else False)
    if condition.key not in facts.required:
        return told
    known = all_of(told, present(condition.key))
    return True if known == present(condition.key) else known


def _explanation(
    rule: Detection, log_types: Iterable[str], condition: Condition, stops: tuple[Stop, ...]
) -> Explanation:
    root = rule.spec.root
    told = tuple(f"{_relative(stop.file, root)}:{stop.line} {stop.reason}" for stop in stops)
    indexed = condition is not True
    return Explanation(rule.rule_id, tuple(log_types), indexed, in_words(condition), tuple(_outline(condition)), told)


def _relative(file: str, root: Path) -> str:
    return str(Path(file).relative_to(root)) if Path(file).is_relative_to(root) else file


def in_words(condition: Condition) -> str:
    """A condition as a person would write it."""
    if isinstance(condition, bool):
        return "every row" if condition else "no row"
    return _lines(condition)


def _outline(condition: Condition) -> Iterator[str]:
    parts = condition.parts if isinstance(condition, AllOf) else {condition}
    told = (f"({in_words(part)})" if isinstance(part, AnyOf) and len(parts) > 1 else in_words(part) for part in parts)
    for part in sorted(told, key=lambda words: (len(words), words)):
        yield part if len(part) <= OUTLINED else f"{part[:OUTLINED]}…"


def _lines(condition: Condition) -> str:
    if isinstance(condition, AllOf | AnyOf):
        word = "and" if isinstance(condition, AllOf) else "or"
        parts = sorted(condition.parts, key=lambda part: (isinstance(part, AllOf | AnyOf), _lines(part)))
        return f" {word} ".join(
            f"({_lines(part)})" if isinstance(part, AllOf | AnyOf) else _lines(part) for part in parts
        )
    return "" if isinstance(condition, bool) else _test(condition)


def _test(test: Test) -> str:
    name = ".".join((test.key, *test.inside))
    for method in test.via:
        name = f"{name}.{method}()"
    said = _said(test, name)
    if isinstance(test, OneOf) and not test.values:
        return f"{name} is absent" if test.missing else f"{name} is there"
    return f"({said} or is absent)" if test.missing else said


def _said(test: Test, name: str) -> str:
    match test:
        case OneOf(values=values, negated=negated) if len(values) == 1:
            return f"{name} {'!=' if negated else '='} {next(iter(values))!r}"
        case OneOf(values=values, negated=negated):
            return f"{name} {'not in' if negated else 'in'} {{{_listed(values)}}}"
        case Text(how=how, texts=texts, negated=negated):
            verb = {"startswith": "begin", "endswith": "end", "contains": "contain"}[how]
            verb = f"does not {verb}" if negated else f"{verb}s"
            return f"{name} {verb} {'' if how == 'contains' else 'with '}{_listed(texts, ' or ')}"
        case Truthy(negated=negated):
            return f"{name} is {'empty, 0 or false' if negated else 'neither empty nor 0 nor false'}"
        case Than(order=order, number=number):
            return f"{name} {order} {number}"
        case Asked(function=function, answer=answer, rest=rest):
            call = f"{function.__name__}({', '.join((name, *('…' for _ in rest)))})"
            return {"true": call, "false": f"not {call}", "error": f"{call} raises"}[answer]
        case Kind(kinds=kinds):
            return f"{name} is {' or '.join(sorted({KIND_NAMES[kind] for kind in kinds}))}"


def _listed(values: Iterable[Any], between: str = ", ") -> str:
    shown = sorted(map(repr, values))
    more = f"{between}{len(shown) - VALUES_MAX} more" if len(shown) > VALUES_MAX else ""
    return between.join(shown[:VALUES_MAX]) + more
