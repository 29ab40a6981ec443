"""The pre-filter loses no match of the public CloudTrail rules. HEADWATER_PANTHER_ANALYSIS: a checkout of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headwater.detect.engine import Engine
from headwater.detect.load import Pack, load_pack
from support import prefilter, raw

CHECKOUT = os.environ.get("HEADWATER_PANTHER_ANALYSIS")
pytestmark = pytest.mark.skipif(not CHECKOUT, reason="HEADWATER_PANTHER_ANALYSIS names no checkout")
INDEXED_LEAST = 125  # of the 129 rules that are enabled


def public() -> Pack:
    return load_pack([Path(str(CHECKOUT))])


@pytest.fixture(scope="module")
def packs() -> tuple[Pack, Pack]:
    return public(), public()


def test_rules_match_the_same_through_columns_and_on_raw_events() -> None:
    some = raw.events(public(), 3_000)

    through_columns = raw.matched_by_engine(public(), some)

    assert through_columns == raw.matched_directly(public(), some)
    assert len({rule_id for rule_id, _ in through_columns}) > 100


def test_rules_match_the_same_with_and_without_pre_filter(packs: tuple[Pack, Pack]) -> None:
    rules = [rule.rule_id for rule in packs[0].rules if rule.enabled and raw.CLOUDTRAIL in rule.log_types]

    for rule_id in rules:
        for filtered, unfiltered in prefilter.compared(*packs, rule_id):
            assert filtered == unfiltered, rule_id


def test_nearly_all_rules_need_not_see_every_row(packs: tuple[Pack, Pack]) -> None:
    rules, indexed = Engine(packs[0]).ready(raw.CLOUDTRAIL)

    assert rules >= indexed >= INDEXED_LEAST
