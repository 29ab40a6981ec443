"""p_enrichment: what selectors find, and how rows of tables stand in it."""

from __future__ import annotations

from typing import Any

import pytest

from enrich.conftest import MakeBatch, MakeLookup
from headwater.enrich.columns import enrich
from headwater.enrich.lookup import Lookups
from headwater.ingest.rows import row_dicts
from headwater.model import Batch
from support.world import record

OWNERS = (
    "id,team\n111122223333,core\n444455556666,edge\nDescribeInstances,ec2\narn:aws:s3:::logs,lake\ntrue,yes\n443,tls\n"
)
CORE = {"id": "111122223333", "team": "core", "p_match": "111122223333"}
EDGE = {"id": "444455556666", "team": "edge", "p_match": "444455556666"}
LAKE = {"id": "arn:aws:s3:::logs", "team": "lake", "p_match": "arn:aws:s3:::logs"}


def enrichments(batch: Batch, *lookups: Any) -> list[Any]:
    """p_enrichment of each row, None where it is absent."""
    return [row.get("p_enrichment") for row in row_dicts(enrich(batch, Lookups(lookups)).table)]


@pytest.mark.parametrize(
    ("selector", "changes", "expected"),
    [
        pytest.param("recipientAccountId", {}, {"recipientAccountId": CORE}, id="field"),
        pytest.param("RECIPIENTaccountId", {}, {"RECIPIENTaccountId": CORE}, id="field in another case"),
        pytest.param("$.userIdentity.accountId", {}, {"userIdentity.accountId": CORE}, id="path"),
        pytest.param(
            "readOnly", {"readOnly": True}, {"readOnly": {"id": "true", "team": "yes", "p_match": True}}, id="boolean"
        ),
        pytest.param(
            "$.requestParameters.port",
            {"requestParameters": {"port": 443}},
            {"requestParameters.port": {"id": "443", "team": "tls", "p_match": 443}},
            id="number",
        ),
        pytest.param(
            "$.requestParameters.accounts",
            {"requestParameters": {"accounts": ["444455556666", "x", "111122223333", "444455556666"]}},
            {"requestParameters.accounts": [EDGE, CORE]},
            id="list at the end",
        ),
        pytest.param(
            "$.resources.ARN",
            {"resources": [{"ARN": "arn:aws:s3:::logs"}, {"ARN": "arn:aws:s3:::x"}]},
            {"resources.ARN": [LAKE]},
            id="list on the way",
        ),
        pytest.param("p_any_aws_account_ids", {}, {"p_any_aws_account_ids": [CORE]}, id="indicators"),
        pytest.param("$.requestParameters.a.b", {"requestParameters": {"a": "b"}}, None, id="way that ends"),
        pytest.param("$.requestParameters", {"requestParameters": {"a": "b"}}, None, id="object"),
        pytest.param("p_source_file.bucket", {}, None, id="no match in a struct"),
        pytest.param("p_event_time", {}, None, id="time"),
        pytest.param("absent", {}, None, id="no such field"),
        pytest.param("$.absent.inner", {}, None, id="no such path"),
    ],
)
def test_selectors_find_values(
    make_batch: MakeBatch, make_lookup: MakeLookup, selector: str, changes: dict[str, Any], expected: Any
) -> None:
    owners = make_lookup(OWNERS, "owners", "id", selector)

    found = enrichments(make_batch(record(1, **changes)), owners)

    assert found == [None if expected is None else {"owners": expected}]


def test_rows_are_told_apart(make_batch: MakeBatch, make_lookup: MakeLookup) -> None:
    owners = make_lookup(OWNERS, "owners", "id", "recipientAccountId", "p_any_aws_account_ids")
    nobody = {"userIdentity": None, "recipientAccountId": None}
    batch = make_batch(
        record(1, **nobody),
        record(2, **{**nobody, "recipientAccountId": "444455556666"}),
        record(3, **{**nobody, "recipientAccountId": "999988887777"}),
        record(4),
    )

    assert enrichments(batch, owners) == [
        None,
        {"owners": {"recipientAccountId": EDGE, "p_any_aws_account_ids": [EDGE]}},
        None,
        {"owners": {"recipientAccountId": CORE, "p_any_aws_account_ids": [CORE]}},
    ]


def test_several_tables_stand_beside_each_other(make_batch: MakeBatch, make_lookup: MakeLookup) -> None:
    owners = make_lookup(OWNERS, "owners", "id", "recipientAccountId")
    networks = make_lookup("net,zone\n192.0.2.0/24,office\n", 'nets "1"', "net", "sourceIPAddress")
    batch = make_batch(record(1), record(2, sourceIPAddress="203.0.113.1"), record(3, recipientAccountId=None))

    office = {'nets "1"': {"sourceIPAddress": {"net": "192.0.2.0/24", "zone": "office", "p_match": "192.0.2.10"}}}
    assert enrichments(batch, owners, networks) == [
        {"owners": {"recipientAccountId": CORE}, **office},
        {"owners": {"recipientAccountId": CORE}},
        office,
    ]


def test_one_path_can_give_a_value_in_one_row_and_a_list_in_another(
    make_batch: MakeBatch, make_lookup: MakeLookup
) -> None:
    owners = make_lookup(OWNERS, "owners", "id", "$.requestParameters.account")
    one, two = ({"account": value} for value in ("111122223333", ["444455556666"]))
    batch = make_batch(record(1, requestParameters=one), record(2, requestParameters=two))

    found = enrichments(batch, owners)

    assert found == [
        {"owners": {"requestParameters.account": CORE}},
        {"owners": {"requestParameters.account": [EDGE]}},
    ]


def test_selector_named_twice_stands_once(make_batch: MakeBatch, make_lookup: MakeLookup) -> None:
    owners = make_lookup(OWNERS, "owners", "id", "recipientAccountId", "$.recipientAccountId")

    enriched = enrich(make_batch(record(1)), Lookups((owners,)))

    assert enriched.table["p_enrichment"][0].as_py().count("recipientAccountId") == 1


def test_keys_of_records_that_are_kept_whole_are_found(make_batch: MakeBatch, make_lookup: MakeLookup) -> None:
    owners = make_lookup(OWNERS, "owners", "id", "$.who.account", "plain", log_type="Raw.JSON")
    batch = make_batch({"who": {"account": "111122223333"}, "plain": "444455556666"}, log_type="Raw.JSON")

    assert enrichments(batch, owners) == [{"owners": {"who.account": CORE, "plain": EDGE}}]


def test_batch_that_no_table_touches_stays_as_it_is(make_batch: MakeBatch, make_lookup: MakeLookup) -> None:
    batch = make_batch(record(1))

    assert enrich(batch, Lookups((make_lookup(OWNERS, "owners", "id", "a", log_type="AWS.ALB"),))) is batch
    assert enrich(batch, Lookups((make_lookup(OWNERS, "owners", "id", "awsRegion"),))) is batch


def test_column_of_its_own_in_a_table_never_hides_the_match(make_batch: MakeBatch, make_lookup: MakeLookup) -> None:
    owners = make_lookup("id,p_match\n111122223333,mine\n", "owners", "id", "recipientAccountId")

    found = enrichments(make_batch(record(1)), owners)

    assert found == [{"owners": {"recipientAccountId": {"id": "111122223333", "p_match": "111122223333"}}}]


def test_enrichment_beyond_a_bound_is_left_out(
    make_batch: MakeBatch, make_lookup: MakeLookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.enrich.columns.MAX_COLUMN_BYTES", 100)
    owners = make_lookup(OWNERS, "owners", "id", "recipientAccountId")

    assert enrichments(make_batch(record(1)), owners) == [{"owners": {"recipientAccountId": CORE}}]
    assert enrichments(make_batch(record(1), record(2)), owners) == [None, None]
