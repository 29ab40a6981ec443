"""One rule with and without its pre-filter, on events like those of unit tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from headwater.detect.engine import Engine
from headwater.detect.load import Detection, Pack
from headwater.model import Batch, Match
from support.mutations import mixed_batch, mutated

LOG_TYPES_MAX = 4  # of a rule that reads many
OTHERS = 25  # events of other rules
TIMES = 6  # changed copies of each event


def compared(filtered: Pack, unfiltered: Pack, rule_id: str) -> Iterator[tuple[list[Match], list[Match]]]:
    """The matches of both engines for each batch. The packs: the same, loaded twice, since rules remember events."""
    engines = [Engine(_alone(filtered, rule_id)), Engine(_alone(unfiltered, rule_id), prefilter=False)]
    for batch in batches(filtered, rule_id):
        yield tuple(_sorted(engine.detect(batch)) for engine in engines)  # type: ignore[misc]


def batches(pack: Pack, rule_id: str) -> Iterator[Batch]:
    """Changed events of a rule's unit tests, and some of its neighbours', for each of its log types."""
    (rule,) = (one for one in pack.rules if one.rule_id == rule_id)
    own = [test.event for test in rule.tests]
    for number, log_type in enumerate(rule.log_types[:LOG_TYPES_MAX]):
        others = [test.event for one in pack.rules if log_type in one.log_types for test in one.tests]
        step = max(1, len(others) // OTHERS)
        rows = mutated([*own, *others[::step]], TIMES, seed=number)
        if rows:
            yield mixed_batch(rows, log_type)


def _alone(pack: Pack, rule_id: str) -> Pack:
    def kept(one: Detection) -> bool:
        return one.rule_id == rule_id

    return replace(pack, detections=tuple(filter(kept, pack.detections)))


def _sorted(matches: tuple[Match, ...]) -> list[Match]:
    return sorted(matches, key=lambda match: (match.row_id, match.kind, match.title))
