"""SQL over the lake, read-only, by DuckDB in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from pyiceberg.catalog import Catalog
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.schema import sanitize_column_names
from pyiceberg.table import FileScanTask, Table

from headwater.errors import QueryError
from headwater.lake.faults import translated
from headwater.lake.tables import EVENT_TIME, NAMESPACES, existing_tables

HOUR_US = 3_600_000_000
INTERRUPT_S = 0.05  # between two interrupts of a query that is over its time
# The user's SQL sees the lake's tables and nothing else: no files, no network, no extensions, no Python variables.
LOCKED_DOWN: Final[dict[str, str | bool | int | float | list[str]]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
}


def query(
    catalog: Catalog,
    sql: str,
    *,
    memory_mb: int = 1024,
    threads: int = 2,
    timeout_s: float | None = None,
    max_rows: int | None = None,
    parameters: Mapping[str, object] | None = None,
) -> pa.Table:
    """The rows of one SELECT; tables are named like `logs.aws_cloudtrail`, times are in UTC; $name is a parameter.

    Raises: QueryError, with the names of the tables that exist; also for a query that takes longer or gives more rows.
    """
    config = {**LOCKED_DOWN, "memory_limit": f"{memory_mb}MB", "threads": threads}
    with (
        duckdb.connect(":memory:", config=config) as connection,
        translated("query the lake"),
        _limited(connection, timeout_s) as late,
    ):
        names = existing_tables(catalog)
        try:
            _require_select(connection, sql)
            connection.execute("SET TimeZone = 'UTC'")
            _create_views(connection, catalog, names, sql)
            connection.execute("SET lock_configuration = true")
            return _rows(connection, sql, max_rows, parameters)
        except duckdb.Error as error:
            if late.is_set():
                raise QueryError(f"the query took longer than {timeout_s:g} s") from error
            raise QueryError(f"{error}\n{_describe(names)}") from error


@contextmanager
def _limited(connection: duckdb.DuckDBPyConnection, timeout_s: float | None) -> Iterator[threading.Event]:
    """Interrupts the connection after a time, again and again: one that hits between two statements does nothing."""
    late, over = threading.Event(), threading.Event()

    def interrupt() -> None:
        if over.wait(timeout_s):
            return
        late.set()
        while not over.wait(INTERRUPT_S):
            connection.interrupt()

    watch = threading.Thread(target=interrupt, name="query limit", daemon=True)
    if timeout_s is not None:
        watch.start()
    try:
        yield late
    finally:
        over.set()
        if timeout_s is not None:
            watch.join()


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, max_rows: int | None, parameters: Mapping[str, object] | None
) -> pa.Table:
    found = connection.sql(sql) if parameters is None else connection.sql(sql, params=dict(parameters))
    if max_rows is None:
        return found.to_arrow_table()
    rows = found.limit(max_rows + 1).to_arrow_table()
    if rows.num_rows > max_rows:
        raise QueryError(f"the query gives more than {max_rows:,} rows")
    return rows


def _require_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError("only a single SELECT is allowed; the lake is read-only here")


def _create_views(connection: duckdb.DuckDBPyConnection, catalog: Catalog, names: Sequence[str], sql: str) -> None:
    """A view for each table that the SQL could mean, or for all where it names none (SHOW ALL TABLES).

    One view too many costs little, and needs no parser of ours.
    """
    for namespace in NAMESPACES:
        connection.execute(f'CREATE SCHEMA "{namespace}"')
    named = {name for name in names if name.split(".", 1)[1].lower() in sql.lower()}
    for number, name in enumerate(names):
        namespace, short = name.split(".", 1)
        if name in named or not named:
            table = catalog.load_table(name)
            data = _dataset(table)
            connection.register(f"lake_{number}", data)
            columns = _columns(data.schema.names, [field.name for field in table.schema().fields])
            view = f"{_quoted(namespace)}.{_quoted(short)}"
            connection.execute(f"CREATE VIEW {view} AS SELECT {columns} FROM lake_{number}")  # noqa: S608


def _columns(stored: Sequence[str], names: Sequence[str]) -> str:
    """The stored columns under their own names: files spell `detail-type` as `detail_x2Dtype`, by Avro's rules."""
    return ", ".join(f"{_quoted(old)} AS {_quoted(new)}" for old, new in zip(stored, names, strict=True))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _dataset(table: Table) -> ds.Dataset | pa.Table:
    """The table's files as DuckDB can scan them: only the columns and hours that a query asks for are read.

    Files are opened through PyIceberg's FileIO, which has the credentials; DuckDB gets none.
    """
    tasks = tuple(table.scan().plan_files())
    if any(task.delete_files for task in tasks) or not isinstance(table.io, PyArrowFileIO):
        return table.scan().to_arrow()  # someone deleted rows by another tool
    schema = pa.schema([field.remove_metadata() for field in sanitize_column_names(table.schema()).as_arrow()])
    parquet = ds.ParquetFileFormat()
    fragments = [
        parquet.make_fragment(path, filesystem, partition_expression=_hour(task))
        for task, filesystem, path in ((task, *_open(table.io, task.file.file_path)) for task in tasks)
    ]
    filesystem = fragments[0].filesystem if fragments else None
    return ds.FileSystemDataset(fragments, schema, parquet, filesystem) if fragments else schema.empty_table()


def _open(io: PyArrowFileIO, location: str) -> tuple[pa.fs.FileSystem, str]:
    scheme, bucket, path = PyArrowFileIO.parse_location(location)
    return io.fs_by_scheme(scheme, bucket), path


def _hour(task: FileScanTask) -> ds.Expression:
    """What the file's partition says about its rows, so that whole files are skipped unopened."""
    hours = task.file.partition[0] if len(task.file.partition) == 1 else None
    if hours is None:
        return ds.scalar(True)
    start, end = (pa.scalar(hour * HOUR_US, pa.timestamp("us", tz="UTC")) for hour in (hours, hours + 1))
    return (ds.field(EVENT_TIME) >= start) & (ds.field(EVENT_TIME) < end)


def _describe(names: Sequence[str]) -> str:
    return "Tables: " + ", ".join(names) if names else "The lake has no tables yet: ingest something first."
