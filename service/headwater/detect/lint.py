"""What could be better about detections that load: remarks, each with the name of its check."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from headwater.detect import functions
from headwater.detect.conditions import all_of
from headwater.detect.correlation import Correlation
from headwater.detect.load import Detection, Pack
from headwater.detect.prefilter import Sources, derive, sources_of
from headwater.detect.scheduled import ScheduledQuery, scheduled_queries
from headwater.detect.unit_tests import Selector, testable
from headwater.errors import Problem

CHECKS = (
    "loader",
    "does-not-load",
    "unknown-log-type",
    "sees-every-event",
    "no-tests",
    "one-sided-tests",
    "no-description",
    "no-runbook",
    "no-title",
    "unknown-input",
    "unknown-query",
    "unfit-query",
)


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that could be better. check: one of CHECKS."""

    check: str
    problem: Problem

    def __str__(self) -> str:
        return f"{self.problem} [{self.check}]"


def remarks(
    pack: Pack, log_types: Collection[str], selector: Selector, ignored: Collection[str] = ()
) -> tuple[Remark, ...]:
    """Every remark on the detections that are meant, the loader's warnings first.

    log_types: those that the service knows. ignored: checks to leave out.
    """
    found = [Remark("loader", warning) for warning in pack.warnings]
    sources = sources_of(pack)
    queries = {query.name: query for query in scheduled_queries(pack.specs)}
    for one in testable(pack, selector):
        if isinstance(one, Detection):
            found += _of_detection(one, log_types)
            found += _of_speed(one, pack, sources[one.folder])
            found += _of_queries(one, queries)
        else:
            found += _of_correlation(one, pack)
    return tuple(remark for remark in found if remark.check not in ignored)


def unloadable(pack: Pack) -> tuple[Problem, ...]:
    """The detections whose Python does not load."""
    return tuple(remark.problem for one in pack.detections for remark in _of_loading(one))


def _of_loading(detection: Detection) -> Iterator[Remark]:
    error = detection.subject.setup_error
    if error is not None:
        problem = detection.spec.problem(("Filename",), f"does not load: {functions.shown(error)}")
        yield Remark("does-not-load", problem)


def _of_detection(detection: Detection, log_types: Collection[str]) -> Iterator[Remark]:
    yield from _of_loading(detection)
    if detection.enabled and detection.kind == "rule":
        yield from _of_log_types(detection, log_types)
    yield from _of_tests(detection)
    if detection.enabled and detection.create_alert:
        yield from _of_alert(detection)


def _of_log_types(detection: Detection, log_types: Collection[str]) -> Iterator[Remark]:
    for index, name in enumerate(detection.spec.data.get("LogTypes") or ()):
        if name not in log_types:
            near = difflib.get_close_matches(name, log_types, n=1)
            fix = f"Did you mean {near[0]}?" if near else "Give the service a schema for it."
            problem = detection.spec.problem(("LogTypes", index), f"the service knows no log type {name!r}", fix)
            yield Remark("unknown-log-type", problem)


def _of_queries(detection: Detection, queries: Mapping[str, ScheduledQuery]) -> Iterator[Remark]:
    """The queries of a scheduled rule that are not there, or that cannot run here."""
    for index, name in enumerate(detection.spec.data.get("ScheduledQueries") or ()):
        problem = detection.spec.problem(("ScheduledQueries", index), f"there is no scheduled query {name!r}")
        if name not in queries:
            yield Remark("unknown-query", problem)
        elif queries[name].unfit:
            message = f"the query {name!r} does not run here: {queries[name].unfit}"
            fix = "Write it in DuckDB's SQL over the tables of `headwater query`."
            yield Remark("unfit-query", replace(problem, message=message, fix=fix))


def _of_speed(detection: Detection, pack: Pack, sources: Sources) -> Iterator[Remark]:
    """At most one: a log type of whose rows the rule has to see each one."""
    module, spec = detection.subject.module, detection.spec
    if detection.kind != "rule" or not detection.enabled or detection.source is None or module is None:
        return
    for log_type in detection.log_types:
        derived = derive(module, sources, pack.data_model(detection.folder, log_type))
        if all_of(detection.condition, derived.condition) is True:
            where = f" that comes to line {derived.stops[0].line}" if derived.stops else ""
            fix = "Compare a field with constants before; `headwater detections explain` tells more."
            yield Remark("sees-every-event", spec.problem(("Filename",), f"rule() has to see every event{where}", fix))
            return


def _of_alert(detection: Detection) -> Iterator[Remark]:
    for key, text in (("Description", detection.description), ("Runbook", detection.runbook)):
        if not text:
            message = f"{key} is missing: who gets the alert has only its title"
            yield Remark(f"no-{key.lower()}", detection.spec.problem((key,), message))
    module = detection.subject.module
    if module is not None and not callable(getattr(module, "title", None)):
        message = "title() is not defined: all its alerts have the same title"
        yield Remark("no-title", detection.spec.problem(("Filename",), message))


def _of_correlation(rule: Correlation, pack: Pack) -> Iterator[Remark]:
    yield from _of_tests(rule)
    known = {spec.id for spec in pack.specs}
    for rule_id in sorted(rule.inputs - known):
        message = f"reads matches of {rule_id!r}, which is not among these detections"
        yield Remark("unknown-input", rule.spec.problem(("Detection",), message))


def _of_tests(one: Detection | Correlation) -> Iterator[Remark]:
    results = {test.expected for test in one.tests}
    if not one.tests:
        yield Remark("no-tests", one.spec.problem(("Tests",), "has no tests"))
    elif len(results) == 1:
        alerting = one.subject.alerting if isinstance(one, Detection) else True
        missing = "on which it stays silent" if alerting in results else "on which it fires"
        yield Remark("one-sided-tests", one.spec.problem(("Tests",), f"has no test {missing}"))
