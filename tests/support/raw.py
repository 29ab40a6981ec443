"""What rules say of raw events themselves, without columns, schema, engine or pre-filter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from headwater.detect.engine import Engine
from headwater.detect.event import PantherEvent
from headwater.detect.functions import attempt
from headwater.detect.load import Pack
from headwater.detect.raw_events import batches
from headwater.schema.load import load_library
from support import ordinary_cloudtrail
from support.mutations import mutated

CLOUDTRAIL = "AWS.CloudTrail"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def events(pack: Pack, count: int) -> list[dict[str, Any]]:
    """Ordinary CloudTrail, and the CloudTrail events of a pack's unit tests, as they are and changed."""
    rules = [rule for rule in pack.rules if CLOUDTRAIL in rule.log_types]
    return [*ordinary_cloudtrail.records(count), *mutated([test.event for rule in rules for test in rule.tests], 1, 5)]


def matched_by_engine(pack: Pack, some: Iterable[Mapping[str, Any]]) -> set[tuple[str, int]]:
    """(rule id, number of the event) of each match, through schema, columns and pre-filter."""
    lines = [orjson.dumps(event) for event in some]
    engine = Engine(pack)
    return {
        (match.rule_id, one.numbers[row])
        for one in batches(lines, CLOUDTRAIL, load_library()[CLOUDTRAIL], NOW)
        for row, match in engine.find(one.batch)
        if match.kind == "RULE"
    }


def matched_directly(pack: Pack, some: Iterable[Mapping[str, Any]]) -> set[tuple[str, int]]:
    """The same by calling every rule on every event. Nulls count as absent, as they do in columns."""
    rules = [rule for rule in pack.rules if rule.enabled and CLOUDTRAIL in rule.log_types]
    found: set[tuple[str, int]] = set()
    for number, event in enumerate(some):
        row = {key: value for key, value in event.items() if value is not None}
        for rule in rules:
            view = PantherEvent(row, pack.data_model(rule.folder, CLOUDTRAIL))
            passes = rule.subject.passes
            if (passes is None or passes(view)) and attempt(lambda: rule.subject.module.rule(view))[0] is True:  # type: ignore[union-attr]  # noqa: B023
                found.add((rule.rule_id, number))
    return found
