"""An event read back from the lake equals the event that was detected on arrival."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pyiceberg.catalog import Catalog

from headwater.enrich.columns import enrich
from headwater.enrich.lookup import Lookups, lookup_of_rows
from headwater.enrich.spec import LookupSpec, Selector
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

    batch = enrich(batch, _lookups(log_type.name))

    append(catalog, table_name(log_type.name), batch.table, batch_id="b1")

    stored = query(catalog, f"SELECT * FROM {table_name(log_type.name)} ORDER BY p_row_id")
    arrived = sorted(row_dicts(batch.table), key=lambda row: str(row["p_row_id"]))
    assert row_dicts(stored.select(log_type.arrow_schema.names).cast(log_type.arrow_schema)) == arrived
    assert all("p_match" in row["p_enrichment"]["sources"]["p_source_id"] for row in arrived)


def _lookups(log_type: str) -> Lookups:
    """A table that every row of a log type is found in."""
    spec = LookupSpec("sources", Path(), True, "source", {log_type: (Selector.of("p_source_id"),)})
    row = {"source": SOURCE.source_id, "owner": 'Zoë "the" owner', "since": 3.5, "tags": ["a", {"b": None}]}
    return Lookups((lookup_of_rows(spec, [row], NOW),))
