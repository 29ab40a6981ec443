"""Rows in order of time → Parquet files, one for each hour."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from itertools import count, pairwise

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io.pyarrow import bin_pack_arrow_table, pyarrow_to_schema, write_file
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionField, PartitionFieldValue, PartitionKey
from pyiceberg.table import Table, TableProperties, WriteTask
from pyiceberg.types import TimestamptzType

from headwater.lake.tables import EVENT_TIME

FILE_BYTES = TableProperties.WRITE_TARGET_FILE_SIZE_BYTES_DEFAULT


def write_files(table: Table, rows: pa.Table) -> Sequence[DataFile]:
    """The data files of rows of which those of an hour lie side by side; they are not part of the table yet.

    They are cut, where PyIceberg filters all rows once for each hour: that took as long as the rest of a write.
    """
    if not rows.num_rows:
        return ()
    metadata = table.metadata
    schema = pyarrow_to_schema(
        rows.schema, name_mapping=metadata.schema().name_mapping, format_version=metadata.format_version
    )
    size = int(metadata.properties.get(TableProperties.WRITE_TARGET_FILE_SIZE_BYTES, FILE_BYTES))
    write_id, numbers = uuid.uuid4(), count()
    tasks = (
        WriteTask(write_id, next(numbers), schema, list(batches), partition_key=key)
        for key, part in _parts(table, rows)
        for batches in bin_pack_arrow_table(part, size)
    )
    return tuple(write_file(table.io, metadata, tasks))


def _parts(table: Table, rows: pa.Table) -> Iterator[tuple[PartitionKey, pa.Table]]:
    """The rows of each hour, with what Iceberg calls the hour."""
    schema, spec = table.metadata.schema(), table.metadata.spec()
    [field] = spec.fields
    hours, starts = _runs(field, rows)
    for hour, (start, end) in zip(hours, pairwise([*starts, rows.num_rows]), strict=True):
        key = PartitionKey([PartitionFieldValue(field, hour)], spec, schema)
        yield key, rows.slice(start, end - start)


def _runs(field: PartitionField, rows: pa.Table) -> tuple[list[int], list[int]]:
    """Each hour that comes, and where its rows begin."""
    hours = field.transform.pyarrow_transform(TimestamptzType())(rows[EVENT_TIME])
    runs = pc.run_end_encode(hours.combine_chunks() if isinstance(hours, pa.ChunkedArray) else hours)
    return runs.values.to_pylist(), [0, *runs.run_ends.to_pylist()[:-1]]
