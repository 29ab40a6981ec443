"""Detections in a few words each, for lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from headwater.detect.correlation import Correlation
from headwater.detect.load import Detection, Pack
from headwater.detect.unit_tests import Selector, testable


@dataclass(frozen=True, slots=True)
class Listed:
    """One detection. pack: name of the pack, or the folder, that it comes from; inputs: of a correlation rule."""

    id: str
    kind: str
    severity: str
    enabled: bool
    log_types: tuple[str, ...]
    tests: int
    pack: str
    name: str
    tags: tuple[str, ...]
    file: str
    inputs: tuple[str, ...]


def listed(pack: Pack, selector: Selector, names: Sequence[str]) -> list[Listed]:
    """The detections that are meant, by id. names: of the pack's folders."""
    found = sorted(testable(pack, selector), key=attrgetter("rule_id"))
    return [_listed(one, names[one.spec.folder]) for one in found]


def _listed(one: Detection | Correlation, pack: str) -> Listed:
    return Listed(
        id=one.rule_id,
        kind=one.spec.kind,
        severity=one.severity,
        enabled=one.enabled,
        log_types=one.log_types if isinstance(one, Detection) else (),
        tests=len(one.tests),
        pack=pack,
        name=one.spec.data.get("DisplayName") or "",
        tags=one.tags,
        file=str(one.spec.file),
        inputs=tuple(sorted(one.inputs)) if isinstance(one, Correlation) else (),
    )
