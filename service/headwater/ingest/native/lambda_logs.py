"""What Lambda functions and the platform around them write: lines of the platform, of runtimes, JSON, any other text.

Source: AWS Lambda developer guide, "Sending Lambda function logs to CloudWatch Logs" and "Telemetry API reference".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headwater.ingest.alternatives import by_pattern
from headwater.ingest.columns import RawRows
from headwater.ingest.textcolumns import Texts, kept_lines, stacked
from headwater.schema.logtype import LogType, NativeParser

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT[0-9:.]+Z"
PLATFORM = (
    r"^(?P<message>(?P<kind>START|END|REPORT|INIT_START|INIT_REPORT|RESTORE_START|RESTORE_REPORT|EXTENSION|TELEMETRY)\b"
    r"(?:\s+RequestId: (?P<request_id>\S+))?(?:\s+Version: (?P<version>\S+))?"
    r"(?:\s+Runtime Version: (?P<runtime_version>\S+))?"
    r"(?:\s+(?:Init |Restore )?Duration: (?P<duration_ms>[0-9.]+) ms)?"
    r"(?:\s+Billed Duration: (?P<billed_duration_ms>[0-9.]+) ms)?"
    r"(?:\s+Memory Size: (?P<memory_size_mb>[0-9]+) MB)?(?:\s+Max Memory Used: (?P<max_memory_used_mb>[0-9]+) MB)?"
    r"(?:\s+Init Duration: (?P<init_duration_ms>[0-9.]+) ms)?"
    r"(?:\s+Restore Duration: (?P<restore_duration_ms>[0-9.]+) ms)?(?:\s+Billed Restore Duration: [0-9.]+ ms)?"
    r"(?:\s+XRAY TraceId: (?P<xray_trace_id>\S+))?(?:\s+SegmentId: \S+)?(?:\s+Sampled: \S+)?"
    r"(?:\s+(?:Phase: \S+\s+)?Status: (?P<status>\S+))?(?:\s+Error Type: (?P<error_type>\S+))?(?s:.*))$"
)
NODE = rf"^(?P<time>{TIME})\t(?P<request_id>{UUID}|undefined)\t(?P<level>[A-Z]+)\t(?P<message>(?s:.*))$"
PYTHON = rf"^\[(?P<level>[A-Z]+)\]\t(?P<time>{TIME})\t(?P<request_id>{UUID})?\t(?P<message>(?s:.*))$"
TIMED_OUT = rf"^(?P<time>{TIME}) (?P<request_id>{UUID}) (?P<message>(?s:.*))$"
FAILED = rf"^RequestId: (?P<request_id>{UUID}) (?P<message>(?s:.*))$"
OTHER = r"^(?P<message>(?s:.*))$"
OBJECT = msgspec.json.Decoder(dict[str, Any])
# Where JSON lines have a value: of Lambda's JSON format, of the platform's events, of Powertools.
IN_JSON: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "time": (("timestamp",), ("time",)),
    "level": (("level",), ("logLevel",)),
    "kind": (("type",),),
    "message": (("message",),),
    "request_id": (("requestId",), ("AWSRequestId",), ("function_request_id",), ("record", "requestId")),
    "version": (("record", "version"),),
    "status": (("record", "status"),),
    "error_type": (("errorType",), ("record", "errorType")),
    "xray_trace_id": (("xray_trace_id",), ("record", "tracing", "value")),
    "duration_ms": (("record", "metrics", "durationMs"),),
    "billed_duration_ms": (("record", "metrics", "billedDurationMs"),),
    "memory_size_mb": (("record", "metrics", "memorySizeMB"),),
    "max_memory_used_mb": (("record", "metrics", "maxMemoryUsedMB"),),
    "init_duration_ms": (("record", "metrics", "initDurationMs"),),
    "restore_duration_ms": (("record", "metrics", "restoreDurationMs"),),
}
PLATFORM_EVENT = "platform."


def texts_of(log_type: LogType, rows: RawRows) -> Texts:
    """What each line tells; of a JSON line also the whole object, under `data`."""
    assert isinstance(log_type.parser, NativeParser)
    lines, at = kept_lines(rows, log_type.parser.cleaning)
    at = pa.array(range(len(lines)), pa.int64()) if at is None else at
    objects = {index: found for index, line in enumerate(lines) if (found := _object(line)) is not None}
    is_object = pa.array([index in objects for index in range(len(lines))], pa.bool_())
    texts = pa.array(lines, pa.binary()).filter(pc.invert(is_object))
    tables = by_pattern(texts, at.filter(pc.invert(is_object)), [PLATFORM, NODE, PYTHON, TIMED_OUT, FAILED, OTHER])
    columns = {name: pa.array([_first(each, name) for each in objects.values()], pa.string()) for name in IN_JSON}
    columns["data"] = pa.array([bytes(lines[index]).decode(errors="replace") for index in objects], pa.string())
    return stacked([*tables, Texts(columns, at.filter(is_object), {})], {})


def _object(line: bytes) -> Mapping[str, Any] | None:
    if line[:1] != b"{":
        return None
    try:
        return OBJECT.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _first(record: Mapping[str, Any], name: str) -> str | None:
    """The first value that a JSON line has for a name, as text."""
    found = (_at(record, route) for route in IN_JSON[name])
    value = next((each for each in found if isinstance(each, str | int | float) and not isinstance(each, bool)), None)
    if name == "kind" and not str(value or "").startswith(PLATFORM_EVENT):
        return None
    return None if value is None else str(value)


def _at(value: Any, route: tuple[str, ...]) -> Any:
    for name in route:
        value = value.get(name) if isinstance(value, dict) else None
    return value
