"""An event read back from the lake equals the event that was detected on arrival."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pyiceberg.catalog import Catalog

from headwater.ingest.classify import Ignored, classify
from headwater.ingest.decode import decode
from headwater.ingest.envelopes import open_envelopes
from headwater.ingest.parse import Part, parse
from headwater.ingest.rows import row_dicts
from headwater.lake.commit import append
from headwater.lake.query import query
from headwater.lake.tables import table_name
from headwater.model import ObjectRef
from headwater.schema.load import LIBRARY, load_library
from support.protocol import NOW, SOURCE

SAMPLES = sorted(LIBRARY.glob("*/sample*"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_event_from_the_lake_equals_the_event_on_arrival(catalog: Catalog, sample: Path) -> None:
    library = load_library()
    log_type = library[sample.parent.name]
    ref = ObjectRef(SOURCE.bucket, sample.name, etag="e")
    chunks = [
        chunk
        for chunk in open_envelopes(decode([sample.read_bytes()], max_bytes=1 << 22), (log_type.name,), Counter())
        if not isinstance(classify("", chunk, library, (log_type.name,)), Ignored)
    ]
    batch = parse(log_type, [Part(ref, SOURCE, chunk) for chunk in chunks], NOW).batch
    assert batch is not None

    append(catalog, table_name(log_type.name), batch.table, batch_id="b1")

    stored = query(catalog, f"SELECT * FROM {table_name(log_type.name)} ORDER BY p_row_id")
    arrived = sorted(row_dicts(batch.table), key=lambda row: str(row["p_row_id"]))
    assert row_dicts(stored.select(log_type.arrow_schema.names).cast(log_type.arrow_schema)) == arrived
