"""Which keys each kind of detection file may and must have, and what their values look like.

Source: https://docs.panther.com/detections/rules/python#rule-specification-reference and its sister pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from headwater.detect import correlation_shape, lookup_shape, yaml_rule
from headwater.detect.datamodel import compile_path
from headwater.detect.expressions import nearest
from headwater.yamlfile import Path as KeyPath

SEVERITIES = ("Info", "Low", "Medium", "High", "Critical")
NAME = re.compile(r'[^<>&"%]+\Z')
UNIQUE = ("LogTypes", "ScheduledQueries", "OutputIds", "SummaryAttributes", "Suppressions", "ResourceTypes", "Tags")
SQL = ("Query", "SnowflakeQuery", "AthenaQuery", "DatabricksQuery")

Complaint = tuple[KeyPath, str]  # where in the document, what is wrong


@dataclass(frozen=True, slots=True)
class Kind:
    """One AnalysisType. one_of: groups of keys of which exactly one must stand. check: what else must hold."""

    name: str
    id_key: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    one_of: tuple[tuple[str, ...], ...] = ()
    check: Callable[[Mapping[str, Any]], Iterator[Complaint]] | None = None

    @property
    def keys(self) -> frozenset[str]:
        """Every key that may stand at the top."""
        return frozenset(
            ("AnalysisType", *self.required, *self.optional, *(key for group in self.one_of for key in group))
        )


def complaints(kind: Kind, data: Mapping[str, Any]) -> Iterator[Complaint]:
    """Everything wrong with one document of a known kind, in no particular order."""
    derived = kind.name == "rule" and "BaseDetection" in data
    required = ("RuleID",) if derived else kind.required
    yield from (((), f"{key} is missing") for key in required if data.get(key) in (None, ""))
    known = kind.keys
    unknown = [key for key in data if key not in known]
    yield from (((key,), f"a {kind.name} has no key {key!r}{nearest(key, sorted(known))}") for key in unknown)
    for group in kind.one_of:
        yield from _one_of(data, group, derived=derived)
    for key, value in data.items():
        if value is not None and key in VALUES and not VALUES[key][0](value):
            yield (key,), f"must be {VALUES[key][1]}, is {_short(value)}"
    yield from _duplicates(data)
    if kind.check:
        yield from kind.check(data)


def _one_of(data: Mapping[str, Any], group: Sequence[str], *, derived: bool) -> Iterator[Complaint]:
    found = [key for key in group if data.get(key) is not None]
    if derived:
        yield from (((key,), "a rule with BaseDetection inherits this and must not state it") for key in found)
    elif len(found) != 1:
        yield (found[1],) if found else (), f"exactly one of {', '.join(group)} must stand here, {len(found)} do"


def _duplicates(data: Mapping[str, Any]) -> Iterator[Complaint]:
    for key in UNIQUE:
        seen: set[str] = set()
        for index, value in enumerate(data.get(key) or () if isinstance(data.get(key), list) else ()):
            folded = str(value).lower() if key == "Tags" else str(value)
            if folded in seen:
                yield (key, index), f"{value!r} stands twice"
            seen.add(folded)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _name(value: Any) -> bool:
    return isinstance(value, str) and NAME.match(value) is not None


def _reports(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(items, list) for items in value.values())


ID = (_name, 'text without < > & " %')
TEXT = (lambda value: isinstance(value, str), "text")
TEXTS = (_texts, "a list of texts")
BOOL = (lambda value: isinstance(value, bool), "true or false")
COUNT = (_count, "a whole number")
MAPS = (lambda value: isinstance(value, list) and all(isinstance(item, dict) for item in value), "a list of mappings")
MAP = (lambda value: isinstance(value, dict), "a mapping")

VALUES: Mapping[str, tuple[Callable[[Any], bool], str]] = MappingProxyType(
    {
        **dict.fromkeys(("RuleID", "PolicyID", "GlobalID", "DataModelID", "PackID", "QueryName", "LookupName"), ID),
        **dict.fromkeys(("DisplayName", "BaseDetection"), ID),
        **dict.fromkeys(("Enabled", "CreateAlert", "OnlyUseBaseRiskScore", "Lookback"), BOOL),
        **dict.fromkeys(("LogTypes", "ScheduledQueries", "OutputIds", "SummaryAttributes", "Tags"), TEXTS),
        **dict.fromkeys(("Suppressions", "ResourceTypes"), TEXTS),
        **dict.fromkeys(("DedupPeriodMinutes", "Threshold", "BaseVersion", "ActionDelaySeconds"), COUNT),
        "LookbackWindowSeconds": COUNT,
        **dict.fromkeys(("Description", "Runbook", "Reference", "Status", "AlertTitle", "CreatedBy"), TEXT),
        **dict.fromkeys(("Filename", "Schema", "AutoRemediationID", *SQL), TEXT),
        **dict.fromkeys(("Tests", "Mappings", "Detection", "InlineFilters"), MAPS),
        **dict.fromkeys(("AlertContext", "GroupBy", "DynamicSeverities"), MAPS),
        **dict.fromkeys(("PackDefinition", "LogTypeMap", "Schedule", "Refresh", "EmailConfig"), MAP),
        "AutoRemediationParameters": MAP,
        "Severity": (lambda value: value in SEVERITIES, f"one of {', '.join(SEVERITIES)}"),
        "Reports": (_reports, "a mapping of framework to list"),
    }
)


def _check_detection(data: Mapping[str, Any]) -> Iterator[Complaint]:
    if data.get("Threshold") == 0:
        yield ("Threshold",), "must be 1 or more"
    if isinstance(data.get("LogTypes"), list) and not data["LogTypes"]:
        yield ("LogTypes",), "names no log type"
    if data.get("AnalysisType") == "correlation_rule":
        yield from correlation_shape.complaints(data)
    else:
        yield from yaml_rule.complaints(data)
    body = {"policy": "Resource", "correlation_rule": "RuleOutputs"}.get(str(data.get("AnalysisType")), "Log")
    tests = data.get("Tests")
    for index, test in enumerate(tests if isinstance(tests, list) else ()):
        if isinstance(test, dict):
            yield from _check_test(test, ("Tests", index), body)


def _check_test(test: Mapping[str, Any], at: KeyPath, body: str) -> Iterator[Complaint]:
    yield from ((at, f"{key} is missing") for key in ("Name", "ExpectedResult", body) if key not in test)
    if not isinstance(test.get("ExpectedResult", True), bool):
        yield (*at, "ExpectedResult"), "must be true or false"
    shape, told = (list, "a list") if body == "RuleOutputs" else (dict, "a mapping")
    if body in test and not isinstance(test[body], shape):
        yield (*at, body), f"must be {told}"
    mocks = test.get("Mocks") or []
    if not isinstance(mocks, list) or not all(isinstance(mock, dict) and "objectName" in mock for mock in mocks):
        yield (*at, "Mocks"), "must be a list of {objectName, returnValue}"
    if not _texts(test.get("ExpectedDestinations") or []):
        yield (*at, "ExpectedDestinations"), "must be a list of texts"


def _check_data_model(data: Mapping[str, Any]) -> Iterator[Complaint]:
    mappings = data.get("Mappings")
    seen: set[str] = set()
    for index, mapping in enumerate(mappings if isinstance(mappings, list) else ()):
        at: KeyPath = ("Mappings", index)
        if not isinstance(mapping, dict) or not isinstance(mapping.get("Name"), str):
            yield at, "Name is missing"
            continue
        if mapping["Name"] in seen:
            yield (*at, "Name"), f"{mapping['Name']!r} stands twice"
        seen.add(mapping["Name"])
        if ("Path" in mapping) == ("Method" in mapping):
            yield at, "exactly one of Path, Method must stand here"
        if "Method" in mapping and not data.get("Filename"):
            yield (*at, "Method"), "needs a Filename"
        if "Path" in mapping:
            yield from (((*at, "Path"), message) for message in _path_errors(mapping["Path"]))


def _path_errors(path: Any) -> Iterator[str]:
    try:
        compile_path(str(path))
    except ValueError as error:
        yield str(error)


def _check_pack(data: Mapping[str, Any]) -> Iterator[Complaint]:
    definition = data.get("PackDefinition")
    ids = definition.get("IDs") if isinstance(definition, dict) else None
    if isinstance(definition, dict) and not _texts(ids):
        yield ("PackDefinition",), "IDs must be a list of detection ids"


_ABOUT: tuple[str, ...] = (
    "DisplayName",
    "Description",
    "Status",
    "Tags",
    "Reports",
    "Reference",
    "Runbook",
    "OutputIds",
    "CreateAlert",
)
_ABOUT += (
    "SummaryAttributes",
    "CreatedBy",
    "OnlyUseBaseRiskScore",
    "BaseVersion",
    "Tests",
    "AlertTitle",
    "AlertContext",
)
_ABOUT += ("DynamicSeverities", "DedupPeriodMinutes")
_RULE = (*_ABOUT, "Threshold", "InlineFilters", "GroupBy")
_POLICY = ("ResourceTypes", "Suppressions", "ActionDelaySeconds", "AutoRemediationID", "AutoRemediationParameters")
_QUERY = ("Description", "Tags", "Lookback", "LookbackWindowSeconds", "EmailConfig", "DisplayName", "BaseVersion")
_LOOKUP = ("Description", "DisplayName", "Reference", "Tags", "Schema", "Filename", "Refresh", "Query", "BaseVersion")
_SOURCES = (("Filename", "Detection"), ("LogTypes", "ScheduledQueries"))

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                "rule",
                "RuleID",
                ("RuleID", "Enabled", "Severity"),
                (*_RULE, "BaseDetection"),
                _SOURCES,
                _check_detection,
            ),
            Kind("scheduled_rule", "RuleID", ("RuleID", "Enabled", "Severity"), _RULE, _SOURCES, _check_detection),
            Kind(
                "policy",
                "PolicyID",
                ("PolicyID", "Filename", "Enabled", "Severity"),
                (*_ABOUT, *_POLICY),
                check=_check_detection,
            ),
            Kind(
                "correlation_rule",
                "RuleID",
                ("RuleID", "Enabled", "Severity", "Detection"),
                tuple(key for key in _ABOUT if key != "DedupPeriodMinutes"),
                check=_check_detection,
            ),
            Kind("global", "GlobalID", ("GlobalID", "Filename"), ("Description", "Tags", "BaseVersion")),
            Kind(
                "datamodel",
                "DataModelID",
                ("DataModelID", "Enabled", "LogTypes", "Mappings"),
                ("Filename", "DisplayName", "Description", "BaseVersion"),
                check=_check_data_model,
            ),
            Kind("pack", "PackID", ("PackID", "PackDefinition"), ("Description", "DisplayName"), check=_check_pack),
            Kind(
                "scheduled_query",
                "QueryName",
                ("QueryName", "Enabled", "Schedule"),
                _QUERY,
                (SQL,),
                lookup_shape.query_complaints,
            ),
            Kind("saved_query", "QueryName", ("QueryName",), _QUERY, (SQL,)),
            Kind(
                "lookup_table",
                "LookupName",
                ("LookupName", "Enabled", "LogTypeMap"),
                _LOOKUP,
                check=lookup_shape.lookup_complaints,
            ),
        )
    }
)
