"""The values that flow through the pipeline; all frozen."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One version of one log object; identity: bucket, key, and version id (or etag where there are no versions)."""

    bucket: str
    key: str
    region: str | None = None
    version_id: str | None = None
    etag: str | None = None
    size_bytes: int | None = None
    sequencer: str | None = None
    account_id: str | None = None

    @property
    def object_id(self) -> str:
        """64 hex digits, equal for every notification of the same bytes."""
        version = self.version_id or self.etag or ""
        return hashlib.sha256("\0".join((self.bucket, self.key, version)).encode()).hexdigest()

    @property
    def url(self) -> str:
        """`s3://bucket/key`, or the path of a local file."""
        return object_url(self.bucket, self.key)


LOCAL_BUCKET = "local-file"  # the bucket of files on disk; their keys are absolute paths


def object_url(bucket: str, key: str) -> str:
    """`s3://bucket/key`, or the path of a local file."""
    return key if bucket == LOCAL_BUCKET else f"s3://{bucket}/{key}"


@dataclass(frozen=True, slots=True)
class Source:
    """One configured feed of one customer account."""

    account_id: str
    account_name: str
    name: str
    bucket: str
    prefix: str = ""
    exclude: tuple[str, ...] = ()
    log_types: tuple[str, ...] = ()
    region: str = ""
    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    kms_key_arn: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    silence_after_s: int | None = None  # how long it may send nothing; None: by its own history, 0: for ever

    @property
    def source_id(self) -> str:
        """Stable id of the feed: `<account id>/<source name>`."""
        return f"{self.account_id}/{self.name}"

    @property
    def label(self) -> str:
        """What people see: `<account name>/<source name>`."""
        return f"{self.account_name}/{self.name}"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Raw records of one object: JSON values, whole text lines or rows of a table, in file order.

    records: JSON values as bytes-like objects (shape "json"), lines without their line end (shape "lines"), or the
    rows of a Parquet table (shape "columns": a TableRows, which gives each row as JSON too).
    first_row: number of the first record within the object, from 0.
    context: what an envelope said about these records (CloudWatch: owner, logGroup, logStream; header lines).
    """

    shape: Literal["json", "lines", "columns"]
    records: Sequence[Any]
    first_row: int = 0
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that fits no schema, with all that another try needs.

    raw: its text, cut to 64 KiB. cut: whether that was done. shape and context: those of its chunk; the context has
    also the `header` line of delimited text. log_type: the type that it was read as, if any.
    """

    object_id: str
    bucket: str
    key: str
    row: int
    reason: str
    raw: str
    log_type: str | None = None
    source_id: str = ""
    account_id: str = ""
    source_label: str = ""
    shape: Literal["json", "lines"] = "lines"
    context: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False

    @property
    def reject_id(self) -> str:
        """The p_row_id that the row would have, and gets when a retry recovers it."""
        return row_id(self.object_id, self.row)

    @property
    def cause(self) -> str:
        """The reason without the value it quotes, so that alike rejects count together."""
        return re.sub(r": .* is not of type ", ": … is not of type ", self.reason, flags=re.DOTALL)


def row_id(object_id: str, row: int) -> str:
    """The p_row_id of a row: 32 digits of its object's id, 8 of its number."""
    return f"{object_id[:32]}{row & 0xFFFFFFFF:08x}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Typed rows of one log type: declared columns, then the p_ columns. Rows may come from many objects."""

    log_type: str
    table: pa.Table

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)


@dataclass(frozen=True, slots=True)
class ParsedObject:
    """Everything one object yields: rows_in = rows of all batches + rejects.

    ignored: rows or whole objects that are no log data by design (CloudWatch control messages, digests …), by reason.
    warnings: stable codes, e.g. trailing_data.
    """

    batches: tuple[Batch, ...]
    rejects: tuple[Reject, ...]
    rows_in: int
    ignored: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


MatchKind = Literal["RULE", "RULE_ERROR", "HEALTH"]


class GroupKey(NamedTuple):
    """What matches have in common that are told in one alert; rule errors are apart by their kind."""

    kind: MatchKind
    rule_id: str
    account_id: str
    dedup: str


@dataclass(frozen=True, slots=True)
class Match:
    """One detection that fired on one event (kind RULE) or broke on it (RULE_ERROR), or a fault of a source (HEALTH).

    event: the row as a plain dict (what the rule saw). context: JSON text.
    unique: the value of unique(), if the rule has one. occurrences: how many rows an error match stands for.
    """

    kind: MatchKind
    rule_id: str
    log_type: str
    row_id: str
    event_time: datetime
    account_id: str
    title: str
    dedup: str
    severity: str
    event: Mapping[str, Any]
    description: str = ""
    runbook: str = ""
    reference: str = ""
    context: str = "{}"
    unique: str | None = None
    destinations: tuple[str, ...] | None = None
    threshold: int = 1
    window_min: int = 60
    create_alert: bool = True
    tags: tuple[str, ...] = ()
    occurrences: int = 1

    @property
    def match_id(self) -> str:
        """Deterministic id: the same rule on the same row gives the same id on every run."""
        return hashlib.sha256(f"{self.kind}\0{self.rule_id}\0{self.row_id}".encode()).hexdigest()[:32]

    @property
    def event_json(self) -> str:
        """The event as JSON text, also where it holds what orjson refuses: integers above 64 bits, lone surrogates."""
        try:
            return orjson.dumps(self.event, default=str).decode()
        except TypeError:
            return json.dumps(self.event, default=str)

    @property
    def group_key(self) -> GroupKey:
        """The group whose alert this match counts to."""
        return GroupKey(self.kind, self.rule_id, self.account_id, self.dedup)


def health_match(
    rule_id: str,
    subject: str,
    now: datetime,
    *,
    title: str,
    description: str,
    runbook: str,
    told: Mapping[str, Any],
    severity: str = "MEDIUM",
    log_type: str = "",
    account_id: str = "",
    window_min: int = 60,
    occasion: str | None = None,
) -> Match:
    """A fault of the service itself, told as a detection tells its own.

    subject: what is at fault, one alert each. occasion: what makes this telling another than the last; None: the time.
    """
    return Match(
        kind="HEALTH",
        rule_id=rule_id,
        log_type=log_type,
        row_id=f"{subject} {occasion or now.isoformat()}",
        event_time=now,
        account_id=account_id,
        title=title,
        dedup=subject,
        severity=severity,
        event=told,
        description=description,
        runbook=runbook,
        context=orjson.dumps(told, default=str).decode(),
        window_min=window_min,
        tags=("health",),
    )


@dataclass(frozen=True, slots=True)
class Alert:
    """Matches of one detection with one dedup string inside one window.

    status: pending (fewer matches than the threshold so far), open (delivered), triaged or resolved, with a resolution.
    storm_id: the alert that speaks for it, where it is one of a storm; its own id, where it is the alert of a storm.
    """

    alert_id: str
    kind: MatchKind
    rule_id: str
    dedup: str
    title: str
    severity: str
    account_id: str
    log_type: str
    status: str
    match_count: int
    created_at: datetime
    updated_at: datetime
    first_event_at: datetime
    last_event_at: datetime
    context: str
    event: str
    description: str = ""
    runbook: str = ""
    reference: str = ""
    destinations: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    assignee: str | None = None
    resolution: str | None = None
    storm_id: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one object: rows_in = rows_out + rejects always holds."""

    ref: ObjectRef
    source: Source
    log_types: tuple[str, ...]
    rows_in: int
    rows_out: int
    rejects: int
    matches: int
    bytes_in: int
    elapsed_ms: int
