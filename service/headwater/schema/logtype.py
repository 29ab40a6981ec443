"""A log type: the typed columns of one kind of log, and how its raw records become them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import pyarrow as pa

FieldType = Literal["string", "int", "smallint", "bigint", "float", "boolean", "timestamp", "array", "object", "json"]
FIELD_TYPES: tuple[str, ...] = get_args(FieldType)
TIMESTAMP = pa.timestamp("us", "UTC")

# Which p_any_ columns an indicator can fill; the extractors themselves are in ingest/indicators.py.
INDICATORS: Mapping[str, tuple[str, ...]] = {
    "ip": ("p_any_ip_addresses",),
    "hostname": ("p_any_ip_addresses", "p_any_domain_names"),
    "net_addr": ("p_any_ip_addresses", "p_any_domain_names"),
    "url": ("p_any_ip_addresses", "p_any_domain_names"),
    "domain": ("p_any_domain_names",),
    "aws_arn": (
        "p_any_aws_arns",
        "p_any_aws_account_ids",
        "p_any_aws_instance_ids",
        "p_any_usernames",
        "p_any_emails",
    ),
    "aws_arn_only": ("p_any_aws_arns",),
    "aws_account_id": ("p_any_aws_account_ids",),
    "aws_instance_id": ("p_any_aws_instance_ids",),
    "aws_tag": ("p_any_aws_tags",),
    "username": ("p_any_usernames", "p_any_emails"),
    "email": ("p_any_emails", "p_any_usernames"),
    "trace_id": ("p_any_trace_ids",),
    "actor_id": ("p_any_actor_ids",),
    "md5": ("p_any_md5_hashes",),
    "sha1": ("p_any_sha1_hashes",),
    "sha256": ("p_any_sha256_hashes",),
    "scan": (
        "p_any_ip_addresses",
        "p_any_domain_names",
        "p_any_aws_arns",
        "p_any_aws_account_ids",
        "p_any_aws_instance_ids",
        "p_any_aws_tags",
        "p_any_usernames",
        "p_any_emails",
    ),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One declared field.

    wire: its name in the raw record. required: a record without it, or with null in it, is rejected.
    split: separator of a list written as text. element: what an array holds.
    fields: the declared parts of an object; they stay inside its JSON text, but their indicators are read.
    """

    name: str
    type: FieldType
    description: str
    wire: str
    required: bool = False
    event_time: bool = False
    time_formats: tuple[str, ...] = ("rfc3339",)
    indicators: tuple[str, ...] = ()
    empty_values: tuple[str, ...] = ()
    split: str | None = None
    element: Field | None = None
    fields: tuple[Field, ...] = ()

    @property
    def is_json(self) -> bool:
        """Whether the column holds JSON text."""
        nested = self.type == "array" and self.element is not None and self.element.type in ("array", "object", "json")
        return self.type in ("object", "json") or nested

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the column."""
        if self.type == "array" and self.element is not None and not self.is_json:
            return pa.list_(self.element.arrow_type)
        return _ARROW_TYPES.get(self.type, pa.string())


_ARROW_TYPES = {
    "int": pa.int64(),
    "smallint": pa.int64(),
    "bigint": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": TIMESTAMP,
}


@dataclass(frozen=True, slots=True)
class JsonParser:
    """Each record is one JSON object."""


@dataclass(frozen=True, slots=True)
class DelimitedParser:
    """Lines cut at a delimiter; the first line may name the columns, in any order.

    columns: wire names of a file without a header line; empty: the header is obligatory.
    quote: what may stand around a cell, and twice inside it for itself; empty: quotes are plain text.
    """

    delimiter: str
    columns: tuple[str, ...] = ()
    header: bool = True
    empty_values: tuple[str, ...] = ()
    quote: str = ""


@dataclass(frozen=True, slots=True)
class RegexParser:
    """Lines matched by one RE2 pattern; its named groups are wire names."""

    pattern: str
    empty_values: tuple[str, ...] = ()


Parser = JsonParser | DelimitedParser | RegexParser


@dataclass(frozen=True, slots=True, eq=False)
class LogType:
    """A compiled schema. Two loads of one file are two log types: identity, not content, is what caches key on.

    key_pattern: RE2 pattern of object keys. content_keys: JSON keys that every record has. content_line: RE2 pattern
    of a typical line. arrow_schema: declared columns, then the p_ columns.
    """

    name: str
    version: int
    description: str
    parser: Parser
    fields: tuple[Field, ...]
    reference_url: str = ""
    key_pattern: str = ""
    content_keys: tuple[str, ...] = ()
    content_line: str = ""
    arrow_schema: pa.Schema = field(init=False)

    def __post_init__(self) -> None:
        columns = [_arrow_field(each) for each in self.fields]
        object.__setattr__(self, "arrow_schema", pa.schema([*columns, *STANDARD_COLUMNS]))


def _arrow_field(declared: Field) -> pa.Field:
    metadata = {b"description": declared.description.encode()} | ({b"json": b"true"} if declared.is_json else {})
    return pa.field(declared.name, declared.arrow_type, metadata=metadata)


def _standard(name: str, kind: pa.DataType, description: str, *, json: bool = False) -> pa.Field:
    metadata = {b"description": description.encode()} | ({b"json": b"true"} if json else {})
    return pa.field(name, kind, metadata=metadata)


SOURCE_FILE = pa.struct([("bucket", pa.string()), ("key", pa.string()), ("row", pa.int64())])
_STRINGS = pa.list_(pa.string())

INDICATOR_COLUMNS: Mapping[str, str] = {
    "p_any_ip_addresses": "Every IP address of the row.",
    "p_any_domain_names": "Every domain or host name of the row.",
    "p_any_aws_arns": "Every ARN of the row.",
    "p_any_aws_account_ids": "Every 12-digit AWS account id of the row.",
    "p_any_aws_instance_ids": "Every EC2 instance id of the row.",
    "p_any_aws_tags": "Every AWS tag of the row, as key:value.",
    "p_any_usernames": "Every user or role-session name of the row.",
    "p_any_emails": "Every e-mail address of the row.",
    "p_any_trace_ids": "Ids that tie the row to others: request ids, trace ids, access keys.",
    "p_any_actor_ids": "Unique ids of the principals of the row.",
    "p_any_md5_hashes": "Every MD5 digest of the row.",
    "p_any_sha1_hashes": "Every SHA-1 digest of the row.",
    "p_any_sha256_hashes": "Every SHA-256 digest of the row.",
}

STANDARD_COLUMNS: tuple[pa.Field, ...] = (
    _standard("p_log_type", pa.string(), "Log type of the row."),
    _standard("p_event_time", TIMESTAMP, "When it happened; p_parse_time where the row tells no credible time."),
    _standard("p_parse_time", TIMESTAMP, "When the row was parsed."),
    _standard("p_row_id", pa.string(), "Id of the row, the same on every run: object id and row number."),
    _standard("p_source_id", pa.string(), "Id of the configured source."),
    _standard("p_source_label", pa.string(), "Readable name of the configured source."),
    _standard("p_account_id", pa.string(), "The customer account that the source belongs to."),
    _standard("p_source_file", SOURCE_FILE, "The object and row number that the row came from."),
    _standard("p_schema_version", pa.int32(), "Version of the schema that parsed the row."),
    _standard("p_event_time_missing", pa.bool_(), "True where p_event_time was taken from p_parse_time."),
    *(_standard(name, _STRINGS, description) for name, description in INDICATOR_COLUMNS.items()),
    _standard("p_unmapped", pa.string(), "Fields that the schema does not know, as JSON.", json=True),
)
