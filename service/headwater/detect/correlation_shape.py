"""Whether the YAML of a correlation rule has the form of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from headwater.detect import lookup_shape

LOOKBACK_MIN = 15
KINDS = ("Group", "Sequence")
DETECTION_KEYS = frozenset(
    (*KINDS, "MatchCriteria", "Transitions", "EventEvaluationOrder", "LookbackWindowMinutes", "Schedule")
)
Complaint = tuple[tuple[str | int, ...], str]


def complaints(data: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong with the Detection and the Tests of a correlation rule."""
    at: tuple[str | int, ...] = ("Detection", 0)
    stated = data.get("Detection")
    if not isinstance(stated, list) or len(stated) != 1 or not isinstance(stated[0], Mapping):
        yield ("Detection",), "must be a list of one Group or Sequence"
        return
    detection = stated[0]
    yield from (((*at, key), f"there is no key {key!r} here") for key in detection if key not in DETECTION_KEYS)
    kinds = [kind for kind in KINDS if kind in detection]
    if len(kinds) != 1:
        yield at, f"exactly one of Group, Sequence must stand here, {len(kinds)} do"
        return
    members = list(_ids(detection[kinds[0]]))
    yield from _members(detection[kinds[0]], (*at, kinds[0]))
    yield from _criteria(detection.get("MatchCriteria"), members, (*at, "MatchCriteria"))
    if kinds[0] == "Sequence" and not detection.get("Transitions"):
        yield at, "a Sequence needs Transitions"
    yield from _transitions(detection.get("Transitions"), members, (*at, "Transitions"))
    yield from _numbers(detection, at)
    yield from _outputs(data.get("Tests"), members)


def _ids(members: Any) -> Iterator[str]:
    for entry in members if isinstance(members, list) else ():
        if isinstance(entry, Mapping) and "ID" in entry:
            yield str(entry["ID"])


def _members(members: Any, at: tuple[str | int, ...]) -> Iterator[Complaint]:
    if not isinstance(members, list) or not members:
        yield at, "must be a list of {ID, RuleID}"
        return
    seen: set[str] = set()
    for index, entry in enumerate(members):
        if not isinstance(entry, Mapping):
            yield (*at, index), "must be {ID, RuleID}"
            continue
        for key in ("ID", "RuleID"):
            if entry.get(key) in (None, ""):
                yield (*at, index), f"{key} is missing"
            elif not isinstance(entry[key], str):
                yield (*at, index, key), "must be text"
        for key in entry:
            if key not in ("ID", "RuleID", "MinMatchCount", "Absence"):
                yield (*at, index, key), f"a member has no key {key!r}"
        if str(entry.get("ID")) in seen:
            yield (*at, index, "ID"), f"{entry['ID']!r} stands twice"
        seen.add(str(entry.get("ID")))
        if not _is_count(entry.get("MinMatchCount", 1)):
            yield (*at, index, "MinMatchCount"), "must be a whole number, 1 or more"
        if not isinstance(entry.get("Absence", False), bool):
            yield (*at, index, "Absence"), "must be true or false"
    if all(isinstance(entry, Mapping) and entry.get("Absence") is True for entry in members):
        yield at, "one member at least must not be absent"


def _criteria(criteria: Any, members: Sequence[str], at: tuple[str | int, ...]) -> Iterator[Complaint]:
    if criteria is not None and not isinstance(criteria, Mapping):
        yield at, "must be a mapping of a name to [{GroupID, Match}]"
        return
    for name, parts in (criteria or {}).items():
        for index, part in enumerate(parts if isinstance(parts, list) else [None]):
            if not isinstance(part, Mapping) or not isinstance(part.get("Match"), str) or "GroupID" not in part:
                yield (*at, name, index), "must be {GroupID, Match}"
            elif str(part["GroupID"]) not in members:
                yield (*at, name, index, "GroupID"), f"no member has the ID {part['GroupID']!r}"


def _transitions(transitions: Any, members: Sequence[str], at: tuple[str | int, ...]) -> Iterator[Complaint]:
    if transitions is not None and not isinstance(transitions, list):
        yield at, "must be a list of {ID, From, To}"
        return
    seen: set[str] = set()
    for index, entry in enumerate(transitions or ()):
        if not isinstance(entry, Mapping):
            yield (*at, index), "must be {ID, From, To}"
            continue
        name = entry.get("ID")
        if name is not None and str(name) in seen:
            yield (*at, index, "ID"), f"{name!r} stands twice"
        seen.add(str(name))
        if not _is_count(entry.get("WithinTimeFrameMinutes", 1)):
            yield (*at, index, "WithinTimeFrameMinutes"), "must be a whole number of minutes, 1 or more"
        for key in ("From", "To"):
            if str(entry.get(key)) not in members:
                yield (*at, index, key), f"no member has the ID {entry.get(key)!r}"
        matches = entry.get("Match") or ()
        for place, match in enumerate(matches if isinstance(matches, list) else [None]):
            if not isinstance(match, Mapping) or not ("On" in match or ("From" in match and "To" in match)):
                yield (*at, index, "Match", place), "must be {On: path}"


def _numbers(detection: Mapping[str, Any], at: tuple[str | int, ...]) -> Iterator[Complaint]:
    if not _is_count(detection.get("LookbackWindowMinutes", LOOKBACK_MIN)):
        yield (*at, "LookbackWindowMinutes"), "must be a whole number of minutes, 1 or more"
    if detection.get("EventEvaluationOrder") not in (None, "Chronological", "Any"):
        yield (*at, "EventEvaluationOrder"), "must be Chronological or Any"
    if detection.get("Schedule") is not None and not isinstance(detection["Schedule"], Mapping):
        yield (*at, "Schedule"), "must be {RateMinutes, TimeoutMinutes}"
    yield from (((*at, *path), message) for path, message in lookup_shape.query_complaints(detection))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _outputs(tests: Any, members: Sequence[str]) -> Iterator[Complaint]:
    for index, test in enumerate(tests if isinstance(tests, list) else ()):
        outputs = test.get("RuleOutputs") if isinstance(test, Mapping) else None
        for place, output in enumerate(outputs if isinstance(outputs, list) else ()):
            at = ("Tests", index, "RuleOutputs", place)
            if not isinstance(output, Mapping) or str(output.get("ID")) not in members:
                yield at, "needs the ID of a member"
            elif not _are_matches(output.get("Matches") or {}):
                yield (*at, "Matches"), "must be {field: {value: [minute or time]}}"


def _are_matches(matches: Any) -> bool:
    return isinstance(matches, Mapping) and all(
        isinstance(values, Mapping)
        and all(isinstance(times, list) and all(map(_is_time, times)) for times in values.values())
        for values in matches.values()
    )


def _is_time(value: Any) -> bool:
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return False
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)
