"""Redshift's audit logs: connections and users in columns between bars, user activity as statements of many lines.

Source: Amazon Redshift management guide, "Database audit logging"; database developer guide, STL_CONNECTION_LOG and
STL_USERLOG.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from headwater.ingest.alternatives import by_pattern, misfits
from headwater.ingest.columns import RawRows
from headwater.ingest.textcolumns import Texts, kept_lines, stacked
from headwater.schema.logtype import LogType, NativeParser

CONNECTION = (
    "event recordtime remotehost remoteport pid dbname username authmethod duration sslversion sslcipher mtu"
    " sslcompression sslexpansion iamauthguid application_name os_version driver_version plugin_name protocol_version"
    " sessionid compression"
)
IPV4_IN_IPV6 = "(?:::ffff:)?"  # how sockets that take both tell an IPv4 address
FEWEST = 12  # columns of a connection in the oldest clusters
USER = "userid username oldusername action usecreatedb usesuper usecatupd valuntil pid xid recordtime"
ACTIVITY = (
    r"^'(?P<recordtime>\d{4}-\d\d-\d\dT[0-9:.]+Z)(?: UTC)? \[ ?db=(?P<dbname>.*?) user=(?P<username>.*?)"
    r" pid=(?P<pid>\d+) userid=(?P<userid>\d+) xid=(?P<xid>\d+) ?\]' LOG: ?(?P<query>(?s:.*))$"
)


def texts_of(log_type: LogType, rows: RawRows) -> Texts:
    """The cells of each row, and in `log` which of the three logs it belongs to."""
    assert isinstance(log_type.parser, NativeParser)
    lines, at = _apart(rows, *kept_lines(rows, log_type.parser.cleaning))
    patterns = {"useractivity": ACTIVITY, "connection": _connection(), "user": _user()}
    tables = by_pattern(pa.array(lines, pa.binary()), at, list(patterns.values()))
    told = [
        Texts({"log": pa.repeat(log, len(table.positions)), **table.columns}, table.positions, {})
        for log, table in zip(patterns, tables, strict=True)
    ]
    return stacked(told, misfits(at, tables, f"not a line of {log_type.name}"))


def _apart(rows: RawRows, records: Sequence[bytes], at: pa.Array | None) -> tuple[Sequence[bytes], pa.Array]:
    """The records, of which only statements go on over several lines; a message with line ends inside is one row."""
    if at is None:
        return records, pa.array(range(len(records)), pa.int64())
    lines: list[bytes] = []
    positions: list[int] = []
    for record, position in zip(records, at.to_pylist(), strict=True):
        is_one = record[:1] == b"'" or record is rows.records[position]
        pieces = [record] if is_one else record.split(b"\n")
        lines += pieces
        positions += range(position, position + len(pieces))
    return lines, pa.array(positions, pa.int64())


def _connection() -> str:
    """Newer clusters write more columns behind the others."""
    names = CONNECTION.split()
    sure = r"\|".join(f"{IPV4_IN_IPV6 if name == 'remotehost' else ''}(?P<{name}>[^|]*)" for name in names[:FEWEST])
    more = "".join(rf"(?:\|(?P<{name}>[^|]*)" for name in names[FEWEST:])
    return f"^{sure}{more}{')?' * (len(names) - FEWEST)}" + r"(?:\|(?P<additional_fields>.+?))?\|?\s*$"


def _user() -> str:
    return "^" + r"\|".join(f"(?P<{name}>[^|]*)" for name in USER.split()) + r"\|?\s*$"
