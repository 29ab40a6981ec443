"""What a detection's functions give for one event: types, limits and fall-backs, one table for all kinds.

Production runs the auxiliary functions only for an alerting event and falls back where one fails; unit tests run them
always and record the failure. They run straight after the matcher, in a fixed order: detections keep state in between.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from typing import Any

from headwater.detect.event import json_encoder
from headwater.errors import HeadwaterError

SEVERITIES = ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL")
TEXT_MAX = 1000
CONTEXT_MAX = 204_800
DESTINATIONS_MAX = 10
TRUNCATED = "... (truncated)"
NOTHING: Mapping[str, Any] = MappingProxyType({})


class FunctionReturnTypeError(HeadwaterError):
    """A detection's function returned a value of the wrong type."""


class UnknownDestinationError(HeadwaterError):
    """destinations() named one that does not exist, or the same one twice."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What of a detection its functions need. matcher: `rule` alerts on True, `policy` on False.

    passes: its InlineFilters, None without any; an event that does not pass them is no match.
    """

    id: str
    severity: str
    module: ModuleType | None
    setup_error: BaseException | None = None
    matcher: str = "rule"
    passes: Callable[[Any], bool] | None = None

    @property
    def alerting(self) -> bool:
        """The matcher's value that makes an alert."""
        return self.matcher == "rule"

    @property
    def default_dedup(self) -> str:
        """The dedup string of a detection that gives none."""
        return f"defaultDedupString:{self.id}"


Check = Callable[
    [Subject, Any, Mapping[str, str]], Any
]  # (subject, returned value, destinations) → value within its limits


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a detection said about one event.

    values: function name → its value after limits and fall-backs; absent where it did not run or failed in a unit test.
    errors: function name → what it raised.
    """

    output: bool | None = None
    setup_error: BaseException | None = None
    error: BaseException | None = None
    alerts: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, BaseException] = field(default_factory=dict)


def run(subject: Subject, event: Any, destinations: Mapping[str, str], *, test_mode: bool = False) -> Outcome:
    """A detection on one event. destinations: display name or id → id.

    Raises nothing: whatever the detection raises, SystemExit included, is in the outcome.
    """
    if subject.setup_error is not None:
        return Outcome(setup_error=subject.setup_error)
    output, error = attempt(lambda: match(subject, event))
    alerts = output is subject.alerting
    if not (alerts or test_mode):
        return Outcome(output, error=error)
    values, errors = auxiliary(subject, event, destinations, test_mode=test_mode)
    return Outcome(output, None, error, alerts, values, errors)


def match(subject: Subject, event: Any) -> bool:
    """The matcher's value. Raises: FunctionReturnTypeError unless it is a bool; whatever the matcher raises."""
    if subject.passes is not None and not subject.passes(event):
        return not subject.alerting
    return checked_bool(subject, getattr(subject.module, subject.matcher)(event))


def checked_bool(subject: Subject, value: Any) -> bool:
    """The value, if it is a real bool. Raises: FunctionReturnTypeError."""
    if value is True or value is False:
        return bool(value)
    raise _wrong_type(subject, subject.matcher, value, "[bool]")


def attempt(call: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """The call's value or what it raised."""
    try:
        return call(), None
    except BaseException as error:  # noqa: BLE001 — detections are other people's code; SystemExit from one is only its error
        return None, error


def setup_error(module: ModuleType, matcher: str) -> BaseException | None:
    """What keeps an imported module from being a detection."""
    if callable(getattr(module, matcher, None)):
        return None
    return AssertionError(f"detection needs to have a method named '{matcher}'")


def auxiliary(
    subject: Subject, event: Any, destinations: Mapping[str, str], *, test_mode: bool
) -> tuple[dict[str, Any], dict[str, BaseException]]:
    """The values of title … unique, and what failed."""
    values: dict[str, Any] = {}
    errors: dict[str, BaseException] = {}
    functions = vars(subject.module)  # not getattr: most are not defined, and then it is ten times slower
    for name, check in CHECKS.items():
        function = functions.get(name)
        if not callable(function):
            if name == "dedup":
                values[name] = values.get("title") or subject.default_dedup
            continue
        value, error = attempt(functools.partial(_checked, check, subject, function, event, destinations))
        if error is not None:
            errors[name] = error
        if error is None or not test_mode:
            values[name] = _fallback(subject, name, error) if error is not None else value
    return values, errors


def shown(error: BaseException) -> str:
    """repr(error), even where its own __repr__ fails."""
    text, failure = attempt(lambda: repr(error))
    return text if failure is None and isinstance(text, str) else type(error).__name__


def truncated(text: str) -> str:
    """At most 1,000 characters, the cut marked."""
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - len(TRUNCATED)] + TRUNCATED


def _checked(
    check: Check, subject: Subject, function: Callable[[Any], Any], event: Any, destinations: Mapping[str, str]
) -> Any:
    return check(subject, function(event), destinations)


def _fallback(subject: Subject, name: str, error: BaseException) -> Any:
    return {
        "title": subject.id,
        "severity": subject.severity.upper(),
        "dedup": subject.default_dedup,
        "alert_context": json.dumps({"_error": shown(error)}),
        "destinations": None,
        "unique": None,
    }.get(name, "")


def _wrong_type(subject: Subject, function: str, value: Any, expected: str) -> FunctionReturnTypeError:
    return FunctionReturnTypeError(
        f"detection [{subject.id}] function [{function}] returned [{type(value).__name__}], expected {expected}"
    )


def _text(name: str) -> Check:
    def check(subject: Subject, value: Any, _destinations: Mapping[str, str]) -> str:
        if not isinstance(value, str):
            raise _wrong_type(subject, name, value, "[str]")
        return truncated(value)

    return check


def _dedup(subject: Subject, value: Any, destinations: Mapping[str, str]) -> str:
    return str(_text("dedup")(subject, value, destinations)) or subject.default_dedup


def _severity(subject: Subject, value: Any, destinations: Mapping[str, str]) -> str:
    text = str(_text("severity")(subject, value, destinations)).upper()
    if text == "DEFAULT":
        return subject.severity.upper()
    if text not in SEVERITIES:
        raise AssertionError(
            f"Expected severity to be any of the following: [{list(SEVERITIES)}], got [{text}] instead."
        )
    return text


def _destinations(subject: Subject, value: Any, destinations: Mapping[str, str]) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise _wrong_type(subject, "destinations", value, "a list")
    if not value:
        return ("SKIP",)
    ids: list[str] = []
    invalid: list[Any] = []
    for entry in value:
        found = destinations.get(entry) if isinstance(entry, str) else None
        if found is None or found in ids:
            invalid.append(entry)
        else:
            ids.append(found)
    if invalid:
        raise UnknownDestinationError(f"Invalid Destinations: {invalid}")
    return tuple(ids[:DESTINATIONS_MAX])


def _context(subject: Subject, value: Any, _destinations: Mapping[str, str]) -> str:
    if not isinstance(value, Mapping):
        raise _wrong_type(subject, "alert_context", value, "[Mapping]")
    text = _encode(value)
    if len(text) > CONTEXT_MAX:
        size = f"alert_context size is [{len(text)}] characters, bigger than maximum of [{CONTEXT_MAX}] characters"
        return json.dumps({"_error": size})
    return text


_encode = json.JSONEncoder(default=json_encoder, allow_nan=False).encode

# In the order in which they run.
CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "title": _text("title"),
        "description": _text("description"),
        "reference": _text("reference"),
        "severity": _severity,
        "runbook": _text("runbook"),
        "destinations": _destinations,
        "dedup": _dedup,
        "alert_context": _context,
        "unique": _text("unique"),
    }
)
