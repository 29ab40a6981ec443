"""What could be better about detections that load: remarks, not errors."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from headwater.detect import correlation
from headwater.detect.correlation import Correlation
from headwater.detect.load import Detection, Pack
from headwater.errors import Problem


def remarks(pack: Pack, log_types: Collection[str]) -> tuple[Problem, ...]:
    """Every remark on a pack, the loader's warnings first. log_types: those that the service knows."""
    found = [*pack.warnings]
    for detection in pack.detections:
        found += _of_detection(detection, log_types)
    for rule in correlation.correlations(pack.specs):
        found += [*_of_tests(rule), *_of_inputs(rule, pack)]
    return tuple(found)


def _of_detection(detection: Detection, log_types: Collection[str]) -> Iterator[Problem]:
    spec = detection.spec
    if detection.subject.setup_error is not None:
        yield spec.problem(("Filename",), f"does not load: {detection.subject.setup_error!r}")
    for index, name in enumerate(spec.data.get("LogTypes") or ()):
        if name not in log_types and detection.enabled:
            fix = "Give the service a schema for it, or correct the name."
            yield spec.problem(("LogTypes", index), f"the service knows no log type {name!r}", fix)
    yield from _of_tests(detection)
    if detection.create_alert and detection.enabled:
        for key, text in (("Description", detection.description), ("Runbook", detection.runbook)):
            if not text:
                yield spec.problem((key,), f"{key} is missing: who gets the alert has only its title")


def _of_tests(one: Detection | Correlation) -> Iterator[Problem]:
    results = {test.expected for test in one.tests}
    if not one.tests:
        yield one.spec.problem(("Tests",), "has no tests")
    elif len(results) == 1:
        missing = "on which it stays silent" if True in results else "on which it fires"
        yield one.spec.problem(("Tests",), f"has no test {missing}")


def _of_inputs(rule: Correlation, pack: Pack) -> Iterator[Problem]:
    known = {spec.id for spec in pack.specs}
    for rule_id in sorted(rule.inputs - known):
        yield rule.spec.problem(("Detection",), f"reads matches of {rule_id!r}, which is not among these detections")
