"""Matches and rejects in the lake."""

from __future__ import annotations

import json
from pathlib import Path

from pyiceberg.catalog import Catalog
from sqlalchemy import Engine

from headwater.lake import matches as lake_matches
from headwater.lake import rejects as lake_rejects
from headwater.lake.commit import append
from headwater.lake.query import query
from headwater.lake.tables import MATCHES, REJECTS
from headwater.model import Reject
from headwater.state import commit
from support.protocol import NOW, match


def test_a_match_row_names_the_alert_that_counts_it(engine: Engine, catalog: Catalog, tmp_path: Path) -> None:
    found = [match(), match(1, create_alert=False, rule_id="Signal"), match(2, kind="RULE_ERROR")]
    alert_ids = commit.prepare(engine, "b1", [], found, worker="w1", now=NOW)

    append(catalog, MATCHES, lake_matches.to_arrow(found, alert_ids, NOW), batch_id="b1")

    commit.finish(engine, "b1", [], found, now=NOW)
    stored = query(catalog, "SELECT * FROM detections.matches ORDER BY p_row_id").to_pylist()
    assert [row["p_match_id"] for row in stored] == [one.match_id for one in found]
    assert [row["p_alert_id"] for row in stored] == [
        alert_ids[found[0].group_key],
        None,
        alert_ids[found[2].group_key],
    ]
    assert json.loads(stored[0]["p_event"]) == found[0].event
    assert (stored[0]["p_event_time"], stored[0]["p_created_at"]) == (NOW, NOW)


def test_a_reject_keeps_its_text_and_its_place(catalog: Catalog) -> None:
    reject = Reject(
        "0" * 64, "payments-logs", "a.json.gz", 7, "no eventTime", '{"a\0": \u2028}', account_id="111122223333"
    )

    append(catalog, REJECTS, lake_rejects.to_arrow([reject], NOW), batch_id="b1")

    (row,) = query(catalog, "SELECT * FROM monitor.rejects").to_pylist()
    assert (row["raw"], row["row"], row["key"], row["p_log_type"]) == (reject.raw, 7, "a.json.gz", None)
    assert (row["p_event_time"], row["p_account_id"]) == (NOW, "111122223333")


def test_an_event_that_few_json_writers_take_is_kept(engine: Engine, catalog: Catalog) -> None:
    odd = match(
        event={"big": 2**70, "text": "\ud800"}, title="\ud800", context="\ud800", dedup="\ud800", tags=("\ud800",)
    )
    alert_ids = commit.prepare(engine, "b1", [], [odd], worker="w1", now=NOW)

    append(catalog, MATCHES, lake_matches.to_arrow([odd], alert_ids, NOW), batch_id="b1")
    (alert,) = commit.finish(engine, "b1", [], [odd], now=NOW).opened

    (row,) = query(catalog, "SELECT * FROM detections.matches").to_pylist()
    assert json.loads(row["p_event"]) == json.loads(alert.event) == odd.event
    assert row["p_alert_id"] == alert.alert_id
