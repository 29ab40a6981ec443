"""Observed outcomes of the detection contract, where the folder that records them is present."""

from __future__ import annotations

import collections
import collections.abc
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.detect import expressions, functions
from headwater.detect.datamodel import DataModel, compile_path
from headwater.detect.event import PantherEvent
from headwater.detect.functions import Outcome, Subject
from headwater.detect.modules import Namespace

SHARED = Path(os.environ.get("HEADWATER_SHARED", Path(__file__).parents[3] / "shared"))
FOLDER = SHARED / "specs/conformance"
DESTINATIONS = {"prod": "id-1", "id-1": "id-1", "stage": "id-2", "id-2": "id-2"}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder of recorded outcomes is absent")


def read(name: str) -> Any:
    path = FOLDER / name
    return json.loads(path.read_text()) if path.is_file() else {}


EVENTS = read("vectors_event.json")
RULES = read("vectors_rule.json")


def data_model() -> DataModel:
    recorded = EVENTS["data_model"]
    module = Namespace(Path("conformance"), {}).run("dm", "dm.py", recorded["body"].encode())
    mappings = recorded["mappings"]
    return DataModel(
        recorded["id"],
        ("T",),
        {one["name"]: compile_path(one["path"]) for one in mappings if "path" in one},
        {one["name"]: getattr(module, one["method"]) for one in mappings if "method" in one},
    )


def simplified(value: Any, depth: int = 0) -> Any:
    """A value as recorded: a container of ours as plain JSON at the top, by its name inside plain ones."""
    if hasattr(value, "copy") and type(value).__name__.startswith(("Immutable", "Panther")):
        return value.copy() if depth == 0 else f"<{type(value).__name__}>"
    if isinstance(value, list | tuple):
        return [simplified(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: simplified(item, depth + 1) for key, item in value.items()}
    return value


@pytest.mark.parametrize("case", EVENTS.get("vectors", []), ids=lambda case: case["expr"])
def test_event_expression_gives_the_recorded_outcome(case: dict[str, Any]) -> None:
    raw = EVENTS["event"]
    names = {
        "event": PantherEvent(raw, data_model()),
        "event_nodm": PantherEvent(raw),
        "event_empty": PantherEvent({}),
        "json": json,
        "collections": collections,
    }

    if "raises" in case:
        with pytest.raises(Exception) as caught:  # noqa: PT011 — the recorded type is compared below
            eval(case["expr"], names)
        assert (type(caught.value).__name__, str(caught.value)) == (case["raises"], case["message"])
    else:
        value = eval(case["expr"], names)
        assert type(value).__name__ == case["type"]
        assert simplified(value) == case["value"]
        if case.get("repr"):
            assert repr(value) == case["repr"]


def outcome_of(case: dict[str, Any], passes: Callable[[Any], bool] | None = None) -> Outcome:
    matcher = "policy" if case["name"].startswith("pol_") else "rule"
    namespace = Namespace(Path("conformance"), {})
    body = case.get("body", "").encode()
    module, error = functions.attempt(lambda: namespace.run("R.Id", "R.Id.py", body))
    error = error or functions.setup_error(module, matcher)
    event = dict(EVENTS["event"]) if matcher == "policy" else PantherEvent(EVENTS["event"])
    subject = Subject("R.Id", "MEDIUM", module, error, matcher, passes)
    return functions.run(subject, event, DESTINATIONS, test_mode=not case.get("batch_mode", True))


def described(error: BaseException | None) -> list[str] | None:
    return None if error is None else [type(error).__name__, str(error)]


def shortened(value: Any, expected: Any) -> Any:
    if isinstance(expected, dict) and isinstance(value, str):
        return {"len": len(value), "tail": value[-20:]}
    return list(value) if isinstance(value, tuple) else value


FILTERS: dict[str, Callable[[Any], bool] | None] = {"no filter": None, "a filter that passes": expressions.ALWAYS.test}


@pytest.mark.parametrize("passes", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("case", RULES, ids=lambda case: f"{case['name']}-{case.get('batch_mode')}")
def test_run_gives_the_recorded_outcome(case: dict[str, Any], passes: Callable[[Any], bool] | None) -> None:
    outcome = outcome_of(case, passes)

    assert outcome.output == case.get("detection_output")
    if case["name"].startswith(("pol_", "scheduled")):
        check_policy(outcome, case)
        return
    assert outcome.alerts == case.get("trigger_alert", False)
    assert described(outcome.setup_error) == case.get("setup_exception")
    assert described(outcome.error) == case.get("detection_exception")
    error = outcome.error or outcome.setup_error
    assert (type(error).__name__ if error else None) == case.get("error_type")
    assert (functions.shown(error) if error else None) == case.get("short_error_message")
    for name in functions.CHECKS:
        expected = case.get(f"{name}_output")
        assert shortened(outcome.values.get(name), expected) == expected, name
        assert described(outcome.errors.get(name)) == case.get(f"{name}_exception") or case.get("batch_mode"), name


def check_policy(outcome: Outcome, case: dict[str, Any]) -> None:
    if "setup" in case:
        assert repr(outcome.setup_error) == case["setup"]
        return
    assert outcome.alerts == case["trigger_alert"]
    assert repr(outcome.error) == case["exc"]
    assert outcome.values.get("title") == case["title"]
    assert outcome.values.get("dedup") == case["dedup"]


@pytest.mark.parametrize("case", RULES, ids=lambda case: f"{case['name']}-{case.get('batch_mode')}")
def test_no_rule_runs_behind_a_filter_that_does_not_pass(case: dict[str, Any]) -> None:
    outcome = outcome_of(case, expressions.NEVER.test)

    assert (outcome.alerts, outcome.error) == (False, None)
    assert outcome.setup_error is not None or outcome.output is not None


def test_everything_recorded_is_looked_at() -> None:
    of_functions = {f"{name}_{what}" for name in functions.CHECKS for what in ("output", "exception")}
    of_runs = {"name", "body", "batch_mode", "trigger_alert", "detection_output", "detection_exception"}
    of_runs |= {"setup_exception", "error_type", "short_error_message", "setup", "exc", "title", "dedup"}

    assert {key for case in RULES for key in case} <= of_runs | of_functions
    assert {key for case in EVENTS["vectors"] for key in case} <= {"expr", "type", "value", "repr", "raises", "message"}
    assert (len(RULES), len(EVENTS["vectors"])) == (108, 142)
