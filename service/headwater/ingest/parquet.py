"""Parquet objects → tables of some thousand rows; such a table → the typed columns of a log type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast, overload

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.errors import ObjectError
from headwater.ingest.arrowjson import json_texts
from headwater.ingest.columns import Columns
from headwater.ingest.rows import rfc3339
from headwater.ingest.textcolumns import Texts, typed
from headwater.ingest.times import UNIX_PER_S
from headwater.ingest.transform import PARTS, UNREADABLE, unquoted
from headwater.schema.logtype import TIMESTAMP, Cleaning, Field, JsonParser, LogType

MAGIC = b"PAR1"
MIB = 1024 * 1024
SPOOLED_BYTES = 16 * MIB  # a larger file waits on disk: its index stands at its end
TABLE_BYTES = 8 * MIB  # about the size of one table
TABLE_CELLS = 400_000  # repeated values take no bytes in the file
TABLE_ROWS = 50_000
ROWS_AT_ONCE = 1000  # rows of a table that are written as JSON
INVALID = "parquet_invalid: the Parquet file cannot be read"
READ_ERRORS = (pa.ArrowException, OSError, UnicodeDecodeError)  # what Arrow raises, whatever the bytes


class TableRows(Sequence[bytes]):
    """The rows of a table, each as a JSON object where it is looked at by itself."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return list(_json_rows(self.table.slice(start, max(0, stop - start))))
        return next(_json_rows(self.table.slice(range(len(self))[index], 1)))

    def __iter__(self) -> Iterator[bytes]:
        return _json_rows(self.table)


def read_parquet(blocks: Iterable[bytes], *, max_bytes: int) -> Iterator[TableRows]:
    """The rows of one Parquet file, in tables of about 8 MiB.

    max_bytes: of the columns, decompressed. Raises: ObjectError: corrupt, unsupported, too_large.
    """
    with SpooledTemporaryFile(max_size=SPOOLED_BYTES) as spool:
        for block in blocks:
            spool.write(block)
        spool.seek(0)
        yield from _tables(cast(IO[bytes], spool), max_bytes)


def _tables(spool: IO[bytes], max_bytes: int) -> Iterator[TableRows]:
    size = 0
    try:
        file = pq.ParquetFile(spool, pre_buffer=False, buffer_size=MIB)
        schema = _plain_schema(file.schema_arrow)
        for batch in file.iter_batches(_rows_at_once(file.metadata), use_threads=False):
            size += batch.nbytes
            if size > max_bytes:
                raise ObjectError("too_large", f"the columns of the Parquet file have more than {max_bytes} bytes")
            table = pa.Table.from_batches([batch]).cast(schema, safe=False)
            table.validate(full=True)  # texts that are not UTF-8 would break what comes later
            yield TableRows(table)
    except pa.ArrowNotImplementedError as error:
        raise ObjectError("unsupported", f"{INVALID}: {error}") from error
    except READ_ERRORS as error:
        raise ObjectError("corrupt", f"{INVALID}: {error}") from error


def _rows_at_once(metadata: pq.FileMetaData) -> int:
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    by_size: int = TABLE_BYTES * metadata.num_rows // max(size, 1)
    by_width: int = TABLE_CELLS // max(metadata.num_columns, 1)
    return max(1, min(TABLE_ROWS, by_width, by_size))


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """The type without what Python and JSON have no value for: nanoseconds, dictionaries, large offsets."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        return pa.string() if not pa.types.is_binary(kind) else kind
    if pa.types.is_map(kind):
        return pa.map_(_plain_type(kind.key_type), _plain_type(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(kind.value_field.with_type(_plain_type(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain_type(field.type)) for field in kind])
    return kind


def columns_of_table(log_type: LogType, table: pa.Table, now: datetime | None) -> Columns:
    """The columns of a table as declared; `account_id` is `account-id` here, and letter case does not count."""
    fields = {loose(field.wire): field for field in log_type.fields}
    columns: dict[str, pa.Array] = {}
    for name, chunked in zip(table.column_names, table.columns, strict=True):
        field = fields.get(loose(name))
        known = field is not None and field.wire not in columns
        columns[field.wire if field and known else name] = _column(field if known else None, _one(chunked))
    cleaning = Cleaning() if isinstance(log_type.parser, JsonParser) else log_type.parser.cleaning
    return typed(log_type, cleaning, Texts(columns, pa.array(range(table.num_rows), pa.int64()), {}), now)


def loose(name: str) -> str:
    """A column's name as it is compared: Hive tables spell `account-id` as `account_id`."""
    return name.lower().replace("-", "_")


def table_of_objects(records: Sequence[Any]) -> TableRows | None:
    """JSON objects as a table of texts; None where some record is no object."""
    try:
        rows = [{key: _cell(raw) for key, raw in PARTS.decode(record).items()} for record in records]
    except UNREADABLE:
        return None
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [pa.array([row.get(name) for row in rows], pa.string()) for name in names]
    return TableRows(pa.Table.from_arrays(columns, names=names))


def _cell(raw: msgspec.Raw) -> str | None:
    return unquoted(bytes(raw).decode(errors="replace"))


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _column(field: Field | None, array: pa.Array) -> pa.Array:
    """A column as `typed` takes it: of the declared type already, or a text (nested values: JSON)."""
    kind = array.type
    if pa.types.is_nested(kind):
        return json_texts(array)
    if pa.types.is_timestamp(kind):
        return _timestamps(field, array)
    wanted = None if field is None else field.arrow_type
    if pa.types.is_integer(kind) and wanted in (pa.int64(), TIMESTAMP):
        return array.cast(pa.int64(), safe=False)
    if wanted == pa.float64() and not pa.types.is_string(kind):
        return array.cast(wanted, safe=False)
    return array if kind == wanted else array.cast(pa.string())


def _timestamps(field: Field | None, array: pa.Array) -> pa.Array:
    units = [each for each in field.time_formats if each in UNIX_PER_S] if field and field.type == "timestamp" else []
    instants = array.cast(TIMESTAMP, safe=False)
    if not units:
        return rfc3339(instants)
    return pc.cast(pc.floor(pc.divide(instants.cast(pa.int64()), 1_000_000 / UNIX_PER_S[units[0]])), pa.int64())


def _json_rows(table: pa.Table) -> Iterator[bytes]:
    for batch in table.to_batches(max_chunksize=ROWS_AT_ONCE):
        yield from (text.encode() for text in json_texts(batch.to_struct_array()).to_pylist())
