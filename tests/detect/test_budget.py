"""Time budgets of rules, and how their errors are told together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from headwater.detect.budget import IDLE, Budget, Limits, Progress, RuleTimeout
from headwater.detect.engine import Engine
from headwater.detect.load import Pack
from headwater.model import Match

BatchOf = Callable[..., Any]
PackOf = Callable[..., Pack]
FOREVER = "def rule(event):\n    while True:\n        pass\n"


def errors(matches: tuple[Match, ...]) -> list[tuple[str, int]]:
    """Class and occurrences of the error matches."""
    return [(match.dedup, match.occurrences) for match in matches if match.kind == "RULE_ERROR"]


def budgeted(pack: Pack, limits: Limits, batch: Any) -> tuple[tuple[Match, ...], Budget]:
    """What an engine finds under a budget."""
    progress = Progress()
    budget = Budget(progress, limits)
    engine = Engine(pack, progress=progress)
    with budget.batch():
        return engine.detect(batch), budget


def tick(budget: Budget, times: int) -> None:
    """As the timer does."""
    for _ in range(times):
        budget._tick(0, None)


def test_a_call_that_never_ends_is_stopped_and_told(pack_of: PackOf, batch_of: BatchOf) -> None:
    matches, budget = budgeted(pack_of(FOREVER), Limits(call_s=0.05), batch_of([{}]))

    assert errors(matches) == [("RuleTimeout", 1)]
    assert matches[0].description == "took longer than 0.05 s at rule.py:2"
    assert budget.seconds[1] > 0


def test_a_rule_that_uses_up_its_time_does_not_see_the_rest_of_the_batch(pack_of: PackOf, batch_of: BatchOf) -> None:
    limits = Limits(call_s=0.05, batch_s=0.04)

    matches, _ = budgeted(pack_of(FOREVER), limits, batch_of([{}] * 1500))

    assert errors(matches) == [("RuleTimeout", 1), ("RuleStopped", 1)]
    assert "1,499 of its rows were not looked at" in matches[1].description
    assert matches[1].row_id == f"{1:040x}"


def test_each_function_of_a_rule_has_its_own_time(pack_of: PackOf, batch_of: BatchOf) -> None:
    python = "def rule(event):\n    return True\ndef title(event):\n    while True:\n        pass\n"

    matches, _ = budgeted(pack_of(python), Limits(call_s=0.05), batch_of([{}]))

    assert [(match.kind, match.title) for match in matches] == [("RULE", "T.Rule")]


def test_a_stopped_rule_runs_on_the_next_batch_again(pack_of: PackOf, batch_of: BatchOf) -> None:
    progress = Progress()
    budget = Budget(progress, Limits(call_s=0.05))
    progress.stopped.add(1)
    engine = Engine(pack_of("def rule(event):\n    return True\n"), progress=progress)

    with budget.batch():
        matches = engine.detect(batch_of([{}]))

    assert [match.kind for match in matches] == ["RULE"]


def test_time_that_is_held_is_not_counted() -> None:
    progress = Progress()
    budget = Budget(progress, Limits(call_s=0.05, batch_s=0.01))
    progress.cells[1] = 1

    with budget.held():
        tick(budget, 10)

    assert not budget.seconds
    with pytest.raises(RuleTimeout):
        tick(budget, 10)


def test_no_rule_is_timed_between_rules() -> None:
    progress = Progress()
    budget = Budget(progress, Limits(call_s=0.05))

    with budget.batch():
        progress.cells[1] = IDLE
        tick(budget, 10)

    assert not budget.seconds


def test_many_alike_errors_are_ten_matches_that_stand_for_all(pack_of: PackOf, batch_of: BatchOf) -> None:
    python = "def rule(event):\n    raise ValueError(event.get('n')) if event.get('n') % 3 else KeyError('k')\n"

    matches = Engine(pack_of(python)).detect(batch_of([{"n": number} for number in range(100)]))

    assert [match.occurrences for match in matches if match.dedup == "ValueError"] == [1] * 9 + [57]
    assert [match.occurrences for match in matches if match.dedup == "KeyError"] == [1] * 9 + [25]
    assert sum(match.occurrences for match in matches) == 100
    assert len({match.match_id for match in matches}) == len(matches)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("event.raw_view()['k'] = 'changed'", id="raw_view"),
        pytest.param("event.get('deep').raw_view()['k'] = 'changed'", id="raw_view_of_a_part"),
        pytest.param("event.deep_walk('deep').update(k='changed')", id="deep_walk"),
        pytest.param("event.get('many')[0:1][0].update(k='changed')", id="slice"),
        pytest.param("event.get('many').raw_view()[0].update(k='changed')", id="raw_view_of_a_list"),
        pytest.param("event.to_dict()['deep'].update(k='changed')", id="to_dict"),
    ],
)
def test_what_one_rule_changes_no_other_sees(
    pack_of: PackOf, rule_yaml: Callable[..., str], batch_of: BatchOf, change: str
) -> None:
    changing = f"def rule(event):\n    {change}\n    return False\n"
    seeing = "import json\ndef rule(event):\n    return 'changed' in json.dumps(event.copy())\n"
    pack = pack_of(changing, **{"b.yml": rule_yaml("T.Second", "b.py"), "b.py": seeing})

    matches = Engine(pack).detect(batch_of([{"k": "a", "deep": {"k": "a"}, "many": [{"k": "a"}]}]))

    assert matches == ()


def test_a_match_carries_the_row_even_where_its_rule_changed_the_event(pack_of: PackOf, batch_of: BatchOf) -> None:
    python = "def rule(event):\n    event._container['k'] = 'changed'\n    return True\n"

    (match,) = Engine(pack_of(python)).detect(batch_of([{"k": "a"}]))

    assert match.event["k"] == "a"


def test_suspended_rules_do_not_run_until_they_are_resumed(pack_of: PackOf, batch_of: BatchOf) -> None:
    engine = Engine(pack_of("def rule(event):\n    return True\n"), suspended=frozenset(("T.Rule",)))

    before = engine.detect(batch_of([{}]))
    engine.suspended = frozenset()

    assert before == ()
    assert [match.rule_id for match in engine.detect(batch_of([{}]))] == ["T.Rule"]
