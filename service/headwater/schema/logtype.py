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


Route = tuple[str, ...]  # names from a key of the record down to a nested value


@dataclass(frozen=True, slots=True)
class Concat:
    """Several values in one text; values that are absent are left out."""

    paths: tuple[Route, ...]
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a text that is cut at a separator. path: empty for the field's own text. index: from 0."""

    path: Route
    separator: str
    index: int


@dataclass(frozen=True, slots=True)
class Mask:
    """What stands in the place of a secret text: `to`, or for `obfuscate` its SHA-256 keyed with the salt."""

    kind: Literal["redact", "obfuscate"]
    to: str = "REDACTED"
    salt: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Validation:
    """Which texts a field takes. ip, cidr: any, ipv4 or ipv6; empty: not looked at."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    ip: str = ""
    cidr: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One declared field.

    wire: its name in the raw record. required: a record without it, or with null in it, is rejected.
    split: separator of a list written as text. element: what an array holds.
    fields: the declared parts of an object; they stay inside its JSON text, but their indicators are read.
    copy, concat, piece, mask: what is done to the value, in that order. embedded: JSON that is written as a text.
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
    trim: bool = False
    embedded: bool = False
    validation: Validation | None = None
    copy: Route = ()
    concat: Concat | None = None
    piece: Piece | None = None
    mask: Mask | None = None

    @property
    def reads_own(self) -> bool:
        """Whether the value comes from the field's own key, and not from others."""
        return not (self.copy or self.concat or (self.piece and self.piece.path))

    @property
    def routes(self) -> tuple[Route, ...]:
        """Where the value comes from, if not from the field's own key."""
        found = (self.copy, *(self.concat.paths if self.concat else ()), self.piece.path if self.piece else ())
        return tuple(route for route in found if route)

    @property
    def is_cleaned(self) -> bool:
        """Whether texts of the field are changed or looked at before they get their type."""
        return bool(self.trim or self.empty_values or self.validation or self.mask)

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
    """Each record is one JSON object.

    whole: the one field that takes the record as it is; its keys are the keys of the event that rules see.
    """

    whole: str = ""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How lines are chosen, and how the texts that a parser cuts out of them are cleaned.

    empty_values: texts that mean "no value". trim: whether blanks around a text go away.
    expand: further texts by name, each a template over the others: %{name} is the text of that name.
    skip_prefix: begin of lines that are no rows. skip_lines: how many lines at the top of an object are no rows.
    record_start: RE2 pattern of a line that begins a record; other lines belong to the record before them.
    """

    empty_values: tuple[str, ...] = ()
    trim: bool = False
    expand: tuple[tuple[str, str], ...] = ()
    skip_prefix: str = ""
    skip_lines: int = 0
    record_start: str = ""


Header = Literal["maybe", "names", "skipped", "none"]


@dataclass(frozen=True, slots=True)
class DelimitedParser:
    """Lines cut at a delimiter.

    columns: wire names of a file without a header line. header: `maybe` is a line of known names in any order and in
    any spelling (vpc_id, vpc-id), wherever it stands; `names` is the first line of an object, taken literally;
    `skipped` is a first line that is no row.
    quote: what may stand around a cell, and twice inside it for itself; empty: quotes are plain text.
    """

    delimiter: str
    columns: tuple[str, ...] = ()
    header: Header = "maybe"
    quote: str = ""
    cleaning: Cleaning = Cleaning()


@dataclass(frozen=True, slots=True)
class RegexParser:
    """Lines matched by RE2 patterns, of which the first that fits is taken; their named groups are wire names.

    names: wire name by group, where no group can have the name. quoted: groups that stand in quotes, in which a
    backslash hides a quote.
    """

    patterns: tuple[str, ...]
    cleaning: Cleaning = Cleaning()
    names: tuple[tuple[str, str], ...] = ()
    quoted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NativeParser:
    """Lines read by `texts_of` of the module ingest/native/<name>.py."""

    name: str
    cleaning: Cleaning = Cleaning()


Parser = JsonParser | DelimitedParser | RegexParser | NativeParser


@dataclass(frozen=True, slots=True, eq=False)
class LogType:
    """A compiled schema. Two loads of one file are two log types: identity, not content, is what caches key on.

    key_pattern: RE2 pattern of object keys. content_keys: JSON keys that every record has. content_line: RE2 pattern
    of a typical line. content_columns: names of which a header line has one. log_group, log_stream: RE2 patterns of
    where CloudWatch Logs had the records. arrow_schema: declared columns, then the p_ columns.
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
    content_columns: tuple[str, ...] = ()
    log_group: str = ""
    log_stream: str = ""
    arrow_schema: pa.Schema = field(init=False)

    def __post_init__(self) -> None:
        whole = self.parser.whole if isinstance(self.parser, JsonParser) else ""
        columns = [_arrow_field(each, whole=each.name == whole) for each in self.fields]
        object.__setattr__(self, "arrow_schema", pa.schema([*columns, *STANDARD_COLUMNS]))


def _arrow_field(declared: Field, *, whole: bool) -> pa.Field:
    metadata = {b"description": declared.description.encode()} | ({b"json": b"true"} if declared.is_json else {})
    return pa.field(declared.name, declared.arrow_type, metadata=metadata | ({b"whole": b"true"} if whole else {}))


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
    _standard("p_enrichment", pa.string(), "What lookup tables know about values of the row, as JSON.", json=True),
    _standard("p_unmapped", pa.string(), "Fields that the schema does not know, as JSON.", json=True),
)
