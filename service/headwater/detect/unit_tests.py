"""The Tests of detections, run as their authors meant them, in this process; see test_processes for many."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any
from unittest.mock import MagicMock

from headwater.detect import correlation, functions
from headwater.detect.correlation import Correlation
from headwater.detect.event import PantherEvent, plain
from headwater.detect.functions import Outcome, UnknownDestinationError
from headwater.detect.load import Detection, Pack, UnitTest
from headwater.detect.matches import location

PRINTED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class TestResult:
    """One unit test of one detection. reasons: why it failed. printed: what the detection wrote.

    file, line: where the test stands.
    """

    __test__ = False  # not a test case of pytest's

    rule_id: str
    test_name: str
    passed: bool
    reasons: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    printed: str = ""
    seconds: float = 0.0
    file: str = ""
    line: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The result in plain JSON types."""
        return {
            "rule_id": self.rule_id,
            "test_name": self.test_name,
            "passed": self.passed,
            "reasons": list(self.reasons),
            "values": {name: list(value) if isinstance(value, tuple) else value for name, value in self.values.items()},
            "printed": self.printed,
            "seconds": round(self.seconds, 4),
            "file": self.file,
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class Selector:
    """Which detections are meant; empty: all. ids: shell patterns. The rest: one of these, whatever its case."""

    ids: tuple[str, ...] = ()
    log_types: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def takes(self, one: Detection | Correlation) -> bool:
        """Whether a detection is meant."""
        kind, log_types = (one.kind, one.log_types) if isinstance(one, Detection) else (one.spec.kind, ())
        return (
            (not self.ids or any(fnmatchcase(one.rule_id, pattern) for pattern in self.ids))
            and _meet(self.log_types, log_types)
            and _meet(self.severities, (one.severity,))
            and _meet(self.tags, one.tags)
            and _meet(self.kinds, (kind,))
        )


def _meet(wanted: Sequence[str], found: Sequence[str]) -> bool:
    return not wanted or bool({each.lower() for each in wanted} & {each.lower() for each in found})


Told = Callable[[str, str], None]  # (detection id, test name), before a test runs


def run_tests(
    pack: Pack, only: Sequence[str] = (), destinations: Mapping[str, str] = functions.NOTHING
) -> tuple[TestResult, ...]:
    """The unit tests of all detections, disabled ones too. only: ids of detections; empty: all."""
    selector = Selector(ids=tuple(only))
    return tuple(result for one in testable(pack, selector) for result in results_of(pack, one, destinations))


def testable(pack: Pack, selector: Selector) -> tuple[Detection | Correlation, ...]:
    """What of a pack can have tests, and is meant."""
    every: list[Detection | Correlation] = [*pack.detections, *correlation.correlations(pack.specs)]
    return tuple(one for one in every if selector.takes(one))


def results_of(
    pack: Pack,
    one: Detection | Correlation,
    destinations: Mapping[str, str] = functions.NOTHING,
    tell: Told = lambda rule_id, test_name: None,
) -> Iterator[TestResult]:
    """The results of one detection, in order; tell: called before each test."""
    if isinstance(one, Detection):
        found = _detection_results(pack, one, destinations, tell)
    else:
        found = _correlation_results(one, tell)
    for index, result in enumerate(found):
        yield replace(result, file=str(one.spec.file), line=one.spec.document.line(("Tests", index)))


def _correlation_results(rule: Correlation, tell: Told) -> Iterator[TestResult]:
    for test in rule.tests:
        tell(rule.rule_id, test.name)
        fired = correlation.test_result(rule, test.outputs)
        reason = f"the rule {'fires' if fired else 'does not fire'}, the test expects the opposite"
        yield TestResult(rule.rule_id, test.name, fired is test.expected, () if fired is test.expected else (reason,))


def _detection_results(
    pack: Pack, detection: Detection, destinations: Mapping[str, str], tell: Told
) -> Iterator[TestResult]:
    error = detection.subject.setup_error
    if error is not None:
        reason = _told("does not load", error, detection)
        names = [test.name for test in detection.tests] or ["load"]
        yield from (TestResult(detection.rule_id, name, False, (reason,)) for name in names)
        return
    for test in detection.tests:
        tell(detection.rule_id, test.name)
        yield _result(pack, detection, test, destinations)


def _result(pack: Pack, detection: Detection, test: UnitTest, destinations: Mapping[str, str]) -> TestResult:
    printed = _Printed()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), _mocked(detection, test) as unknown:
        if unknown:
            reasons = tuple(f"mock {name}: the module has no such name" for name in unknown)
            return TestResult(detection.rule_id, test.name, False, reasons)
        outcome = functions.run(detection.subject, _event(pack, detection, test), destinations, test_mode=True)
    reasons = tuple(_reasons(detection, test, outcome, destinations))
    return TestResult(detection.rule_id, test.name, not reasons, reasons, outcome.values, printed.getvalue())


class _Printed(io.StringIO):
    """Keeps the beginning of what is written: a loop that prints must not fill the memory."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, PRINTED_MAX - self.tell())])
        return len(text)


def _event(pack: Pack, detection: Detection, test: UnitTest) -> Any:
    event = plain(test.event)
    if detection.subject.matcher == "policy":
        return event
    return PantherEvent(event, pack.data_model(detection.folder, str(event.get("p_log_type"))))


@contextlib.contextmanager
def _mocked(detection: Detection, test: UnitTest) -> Iterator[list[str]]:
    """The module with the test's mocks in place; gives the names it does not have, and then changes nothing."""
    names = vars(detection.subject.module)
    unknown = [name for name, _ in test.mocks if name not in names]
    before = {name: names[name] for name, _ in test.mocks if name in names}
    try:
        if not unknown:
            names.update({name: MagicMock(return_value=value) for name, value in test.mocks})
        yield unknown
    finally:
        names.update(before)


def _reasons(detection: Detection, test: UnitTest, outcome: Outcome, destinations: Mapping[str, str]) -> Iterator[str]:
    matcher = detection.subject.matcher
    if outcome.error is not None:
        yield _told(f"{matcher}()", outcome.error, detection)
    elif outcome.output is not test.expected:
        yield f"{matcher}() returned {outcome.output}, the test expects {test.expected}"
    if test.expected is not detection.subject.alerting:
        return
    for name, error in outcome.errors.items():
        if not isinstance(error, UnknownDestinationError):
            yield _told(f"{name}()", error, detection)
    if test.destinations is not None and "destinations" in outcome.values:
        expected = sorted(destinations.get(name, name) for name in test.destinations) or ["SKIP"]
        actual = sorted(outcome.values["destinations"] or ())
        if actual != expected:
            yield f"destinations() returned {actual}, the test expects {expected}"


def _told(what: str, error: BaseException, detection: Detection) -> str:
    place = location(error, detection.spec.root)
    return f"{what}: {functions.shown(error)}" + (f" at {place}" if place else "")
