"""The built-in CloudTrail rules are quiet on an ordinary day and loud on an attack."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from headwater.detect.engine import Engine
from headwater.detect.load import builtin_path, load_pack
from headwater.model import Match
from support import ordinary_cloudtrail

PACK = load_pack([builtin_path()])
SHARED = Path(os.environ.get("HEADWATER_SHARED", Path(__file__).parents[3] / "shared"))
SAMPLES = SHARED / "samples" / "AWS.CloudTrail"
ORDINARY_ROWS = 10_000

needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="the shared samples are not here")

# Attacks of the Stratus Red Team that the samples hold, each with the rule that must see it.
ATTACKS = (
    "AWS.CloudTrail.AccessKeyForAnotherUser",
    "AWS.CloudTrail.AdminPolicyAttached",
    "AWS.CloudTrail.AttackToolUsed",
    "AWS.CloudTrail.BucketExpiresSoon",
    "AWS.CloudTrail.BucketPolicyForForeignAccount",
    "AWS.CloudTrail.ConsolePasswordSetForUser",
    "AWS.CloudTrail.DatabaseSnapshotShared",
    "AWS.CloudTrail.FlowLogsDeleted",
    "AWS.CloudTrail.FunctionOpened",
    "AWS.CloudTrail.IdentityProviderChanged",
    "AWS.CloudTrail.ImageShared",
    "AWS.CloudTrail.LoggingStopped",
    "AWS.CloudTrail.OrganizationLeft",
    "AWS.CloudTrail.PasswordDataReadInBulk",
    "AWS.CloudTrail.RoleTrustOpened",
    "AWS.CloudTrail.SecurityGroupOpenToWorld",
    "AWS.CloudTrail.SnapshotShared",
    "AWS.CloudTrail.TrailWeakened",
    "AWS.CloudTrail.UserDataReadInBulk",
)


def alerts(matches: Iterable[Match]) -> Counter[tuple[str, str]]:
    """How many alerts matches of one hour make, by rule and severity: one for each group that reaches its threshold."""
    groups: dict[tuple[str, str], list[Match]] = defaultdict(list)
    for match in matches:
        groups[match.rule_id, match.dedup].append(match)
    opened = [group for group in groups.values() if _progress(group) >= group[0].threshold and group[0].create_alert]
    return Counter((group[0].rule_id, group[0].severity) for group in opened)


def _progress(group: list[Match]) -> int:
    plain = sum(match.unique is None for match in group)
    return plain + len({match.unique for match in group if match.unique is not None})


def above_info(matches: Iterable[Match]) -> dict[str, int]:
    return {rule: count for (rule, severity), count in alerts(matches).items() if severity != "INFO"}


def test_ordinary_day_makes_at_most_one_alert_a_rule_and_1000_events(batch_of: Any) -> None:
    rows = ordinary_cloudtrail.records(ORDINARY_ROWS)

    matches = Engine(PACK).detect(batch_of(rows, "AWS.CloudTrail"))

    assert {rule: count for rule, count in above_info(matches).items() if count > ORDINARY_ROWS / 1000} == {}
    assert sum(above_info(matches).values()) <= ORDINARY_ROWS / 1000


def test_ordinary_day_matches_few_rows(batch_of: Any) -> None:
    rows = ordinary_cloudtrail.records(ORDINARY_ROWS)

    matches = Engine(PACK).detect(batch_of(rows, "AWS.CloudTrail"))

    assert len(matches) < ORDINARY_ROWS / 3


@needs_samples
def test_terraform_of_a_real_account_is_quiet(batch_of: Any) -> None:
    rows = [row for row in _real_account() if "Terraform" in str(row.get("userAgent"))]

    found = above_info(Engine(PACK).detect(batch_of(rows, "AWS.CloudTrail")))

    # The samples' Terraform calls itself Stratus Red Team, and did delete a trail.
    assert set(found) - {"AWS.CloudTrail.AttackToolUsed", "AWS.CloudTrail.LoggingStopped"} <= {
        "AWS.CloudTrail.AdminPolicyAttached",
        "AWS.CloudTrail.ConsolePasswordSetForUser",
        "AWS.CloudTrail.LogGroupDeleted",
        "Headwater.Universal.UserCreated",
    }
    assert max(found.values()) <= max(3, len(rows) / 1000)


@needs_samples
def test_attacks_on_a_real_account_are_seen(batch_of: Any) -> None:
    found = above_info(Engine(PACK).detect(batch_of(list(_real_account()), "AWS.CloudTrail")))

    assert [rule for rule in ATTACKS if rule not in found] == []


@needs_samples
def test_records_of_aws_documentation_break_no_rule(batch_of: Any) -> None:
    rows = [row for path in sorted(SAMPLES.glob("*.jsonl")) for row in _lines(path) if row.get("eventName")]

    matches = Engine(PACK, prefilter=False).detect(batch_of(rows, "AWS.CloudTrail"))

    assert [(match.rule_id, match.title) for match in matches if match.kind == "RULE_ERROR"] == []


def _real_account() -> Iterator[dict[str, Any]]:
    for path in sorted((SAMPLES / "invictus-ir-aws_dataset").glob("*.json")):
        yield from json.loads(path.read_text(encoding="utf-8"))["Records"]


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """Records of a file of lines; those of rule tests stand under a key of their own, and some hold odd types."""
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        event = record.get("event", record)
        yield {key: value for key, value in event.items() if isinstance(value, str | dict | list)}
