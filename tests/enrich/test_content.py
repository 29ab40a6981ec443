"""The lookup tables that come with Headwater."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from enrich.conftest import MIB, NOW
from headwater.detect.load import builtin_path
from headwater.detect.spec import read_folder
from headwater.enrich.lookup import load_lookup
from headwater.enrich.spec import LookupSpec, read_spec
from headwater.schema.logtype import LogType

SPECS = [
    read_spec(spec.data, spec.file, spec.root)
    for spec in read_folder(builtin_path(), 0)[0]
    if spec.kind == "lookup_table"
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_row_of_a_built_in_table_is_used(spec: LookupSpec, library: Mapping[str, LogType]) -> None:
    assert spec.path is not None

    lookup = load_lookup(spec, [spec.path.read_bytes()], library, max_bytes=MIB, now=NOW)

    assert (lookup.skipped, lookup.reason) == (0, "")
    assert len(lookup.table) > 0


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_built_in_tables_look_where_log_types_have_values(spec: LookupSpec, library: Mapping[str, LogType]) -> None:
    assert spec.selectors.keys() <= library.keys()
    for name, selectors in spec.selectors.items():
        columns = {column.lower() for column in library[name].arrow_schema.names}
        assert [each.text for each in selectors if each.route[0].lower() not in columns] == []
