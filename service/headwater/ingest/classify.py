"""Which log type a chunk of raw records is: by the object's key first, by the first records second."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import re2

from headwater.ingest.delimited import MIN_KNOWN_NAMES, header_names
from headwater.ingest.parquet import TableRows, loose
from headwater.model import Chunk
from headwater.schema.logtype import DelimitedParser, JsonParser, LogType, RegexParser

LOOKED_AT = 10  # records of a chunk that are looked at
KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])
RAW: Mapping[str, str] = {"json": "Raw.JSON", "lines": "Raw.Text", "columns": "Raw.JSON"}  # what nothing else fits


@dataclass(frozen=True, slots=True)
class Ignored:
    """No log data by design; counted under `reason`."""

    reason: str


@dataclass(frozen=True, slots=True)
class _NoLog:
    """Objects that AWS writes beside logs. log_type: the type that takes them, unless the source leaves it out."""

    reason: str
    key: re.Pattern[str]
    keys: frozenset[str] = frozenset()
    log_type: str = ""


NO_LOGS = (
    _NoLog(
        "cloudtrail_digest",
        re.compile(r"(?:^|/)CloudTrail-Digest/|_CloudTrail-Digest_"),
        frozenset({"awsAccountId", "digestStartTime", "digestEndTime", "digestS3Bucket"}),
        "AWS.CloudTrailDigest",
    ),
    _NoLog(
        "cloudtrail_insight",
        re.compile(r"(?:^|/)CloudTrail-Insight/|_CloudTrail-Insight_"),
        frozenset({"insightDetails", "eventVersion", "eventTime", "sharedEventID"}),
        "AWS.CloudTrailInsight",
    ),
    _NoLog(
        "cloudtrail_aggregated",
        re.compile(r"(?:^|/)CloudTrail-Aggregated/|_CloudTrail-Aggregated_"),
        frozenset({"eventVersion", "timeWindow", "summary"}),
        "AWS.CloudTrailAggregated",
    ),
    _NoLog("elb_test_file", re.compile(r"(?:^|/)ELBAccessLogTestFile$")),
    _NoLog("config_test_file", re.compile(r"(?:^|/)ConfigWritabilityCheckFile$")),
    _NoLog("cloudwatch_test_file", re.compile(r"(?:^|/)aws-logs-write-test$")),
    _NoLog("temporary", re.compile(r"(?:^|/)_temporary/")),
    _NoLog("folder_marker", re.compile(r"/$")),
    _NoLog("permission_check", re.compile(r"(?:^|/)(?:permission-check/|amazon-bedrock-logs-permission-check)")),
    _NoLog("bedrock_body", re.compile(r"/BedrockModelInvocationLogs/.*/data/")),
    _NoLog("firehose_error", re.compile(r"(?:^|/)(?:processing-failed|format-conversion-failed|error-output)/")),
)

# Shares folder and shape with access logs; never to be read as such.
OTHER_LOGS = re.compile(r"(?:^|/)(?:conn_log|health_check_log)[._]")


def classify(
    key: str, chunk: Chunk, library: Mapping[str, LogType], allowed: Sequence[str]
) -> LogType | Ignored | None:
    """The log type, or why the object is no log data, or None when it fits no type.

    allowed: the types configured for the source; empty: any of the library.
    """
    first = _first_keys(chunk)
    types = [each for each in library.values() if not allowed or each.name in allowed]
    if (no_log := _no_log(key, first, {each.name for each in types})) is not None:
        return no_log
    if (routed := chunk.context.get("log_type")) is not None:  # an envelope has told it
        return next((each for each in types if each.name == routed), None)
    if chunk.shape == "columns" and (best := _of_table(types, first[0])) is not None:
        return best
    if (named := _by_key(types, key, chunk, first)) is not None:
        return named
    if OTHER_LOGS.search(key) or "defect" in chunk.context:
        return None
    told = _by_log_group(types, library.values(), chunk)
    if chunk.shape == "lines" and told is not None:
        return told
    for log_type in types:
        if _fits(log_type, chunk, first):
            return log_type
    if told is not None:
        return told
    return _asked_for(types, chunk, first) if allowed else None


def _asked_for(types: Sequence[LogType], chunk: Chunk, first: Sequence[frozenset[str]]) -> LogType | None:
    """The type that the source names and that fits, though it does not say what it looks like; else raw rows."""
    silent = [each for each in types if not (each.content_keys or each.content_line or each.content_columns)]
    for log_type in silent:
        if _can_be_read(log_type, chunk, first):
            return log_type
    for log_type in types:
        if log_type.name == RAW[chunk.shape]:
            return log_type
    # The customer named one type: let each record say why it does not fit. JSON has no shape of its own.
    sole = types[0] if len(types) == 1 else None
    if sole is None or isinstance(sole.parser, JsonParser):
        return sole if chunk.shape != "lines" else None
    return sole if sole in silent and chunk.shape == "lines" else None


def _can_be_read(log_type: LogType, chunk: Chunk, first: Sequence[frozenset[str]]) -> bool:
    """Whether some of the first records are such that the parser takes them."""
    if chunk.shape == "json" and isinstance(log_type.parser, JsonParser):
        wanted = {field.wire.lower() for field in log_type.fields if field.required and field.reads_own}
        return bool(wanted) and any(wanted <= {key.lower() for key in keys} for keys in first)
    if chunk.shape != "lines" or not isinstance(log_type.parser, RegexParser):
        return False
    lines = pa.array(chunk.records[:LOOKED_AT], pa.binary())
    return any(pc.any(pc.match_substring_regex(lines, each)).as_py() for each in log_type.parser.patterns)


def _by_key(types: Sequence[LogType], key: str, chunk: Chunk, first: Sequence[frozenset[str]]) -> LogType | None:
    """The type whose key pattern fits; where several share a form of key (flow logs), the one that the content fits.

    A later chunk of an object has no header that could tell.
    """
    named = [each for each in types if each.key_pattern and re2.search(each.key_pattern, key)]
    if len(named) < 2:
        return named[0] if named else None
    if (fitting := next((each for each in named if _fits(each, chunk, first)), None)) is not None:
        return fitting
    return None if chunk.first_row else next((each for each in named if not each.content_columns), None)


def _by_log_group(types: Sequence[LogType], library: Collection[LogType], chunk: Chunk) -> LogType | Ignored | None:
    """The type that takes all records of the chunk's log group and stream.

    Records that are of another type than the one wanted from a group are no faults of that one. An export of a stream
    does not tell its group.
    """
    group, stream = chunk.context.get("logGroup", ""), chunk.context.get("logStream", "")
    if not (group or stream) or chunk.shape == "columns":
        return None
    here = [each for each in library if _comes_from(each, group)]
    takes = [each for each in here if not isinstance(each.parser, JsonParser)]
    told = [each for each in takes if not each.log_stream or re2.search(each.log_stream, stream)]
    if (wanted := next((each for each in told if each in types), None)) is not None:
        return wanted
    is_shared = any(each in types for each in here) and not any(each.name in RAW.values() for each in types)
    return Ignored("other_log_type") if told and is_shared else None


def _comes_from(log_type: LogType, group: str) -> bool:
    """Whether records of a log group, or of one that is not known, may be told by their log stream."""
    if not group or not log_type.log_group:
        return bool(log_type.log_stream)
    return re2.search(log_type.log_group, group) is not None


def _first_keys(chunk: Chunk) -> Sequence[frozenset[str]]:
    """The keys of the first records; of a table, the names of its columns."""
    if isinstance(chunk.records, TableRows):
        return [frozenset(map(loose, chunk.records.table.column_names))]
    return [_keys(record) for record in chunk.records[:LOOKED_AT]] if chunk.shape == "json" else []


def _of_table(types: Sequence[LogType], names: frozenset[str]) -> LogType | None:
    """The type that declares most columns of a table."""
    best = max(types, key=lambda each: _known_columns(each, names), default=None)
    return best if best is not None and _known_columns(best, names) else None


def _known_columns(log_type: LogType, names: frozenset[str]) -> int:
    """How many columns of a table the type declares; 0 where the table cannot be of that type."""
    known = len(names.intersection(loose(field.wire) for field in log_type.fields))
    if isinstance(log_type.parser, JsonParser):
        fits = bool(log_type.content_keys) and names.issuperset(map(loose, log_type.content_keys))
    else:
        own = log_type.content_columns
        fits = known >= min(MIN_KNOWN_NAMES, len(names)) and (not own or not names.isdisjoint(map(loose, own)))
    return known if fits else 0


def _no_log(key: str, first: Sequence[frozenset[str]], wanted: Set[str]) -> Ignored | None:
    for each in NO_LOGS:
        if each.log_type in wanted:
            continue
        by_content = bool(each.keys and first) and RAW["json"] not in wanted
        if each.key.search(key) or (by_content and all(each.keys <= keys for keys in first)):
            return Ignored(each.reason)
    return None


def _fits(log_type: LogType, chunk: Chunk, first: Sequence[frozenset[str]]) -> bool:
    if chunk.shape == "json":
        wanted = {key.lower() for key in log_type.content_keys}
        return bool(wanted) and any(wanted <= {key.lower() for key in keys} for keys in first)
    if chunk.shape != "lines":
        return False
    lines = chunk.records[:LOOKED_AT]
    parser = log_type.parser
    if isinstance(parser, DelimitedParser) and (names := header_names(log_type, parser, lines[0])):
        return not log_type.content_columns or not set(names).isdisjoint(log_type.content_columns)
    return bool(log_type.content_line) and any(
        re2.search(log_type.content_line, line.decode(errors="replace")) for line in lines
    )


def _keys(record: object) -> frozenset[str]:
    try:
        return frozenset(KEYS.decode(record))  # type: ignore[arg-type]  # bytes or msgspec.Raw
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return frozenset()
