"""Real samples of the JSON and Parquet log types: classified as their folder says, or listed here with the reason."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from headwater.ingest.rows import row_dicts
from headwater.model import ObjectRef, Source
from headwater.pipeline import digest, open_object
from headwater.schema.logtype import LogType

Library = Mapping[str, LogType]
FOLDERS = (
    "AWS.AccessAnalyzer",
    "AWS.BedrockModelInvocation",
    "AWS.CloudTrailDigest",
    "AWS.CloudTrailInsight",
    "AWS.CloudWatchEvents",
    "AWS.Config",
    "AWS.GuardDuty",
    "AWS.Inspector2",
    "AWS.SecurityFindingFormat",
    "AWS.VPCDns",
    "AWS.WAFWebACL",
    "Amazon.EKS.Audit",
)
NOTICES = {"ignored config_notice": 1}

# What becomes of the samples that are not all of their folder's type, and why.
EXCEPTIONS: Mapping[str, Mapping[str, int]] = {
    # scans and previews are no findings: they stay EventBridge events
    "AWS.AccessAnalyzer/awsdocs-eventbridge.jsonl": {"AWS.AccessAnalyzer": 2, "AWS.CloudWatchEvents": 3},
    "AWS.Inspector2/awsdocs-ecr-enhanced-scanning.jsonl": {"AWS.Inspector2": 1, "AWS.CloudWatchEvents": 2},
    # results of an insight: EventBridge's own shape, without any finding
    "AWS.SecurityFindingFormat/awsdocs-securityhub-cwe-event-formats-2.json": {"AWS.CloudWatchEvents": 1},
    # CloudTrail files and calls in events, re-routed; most have "..." for a time, or none
    "AWS.CloudWatchEvents/streamalert-community.jsonl": {"AWS.CloudTrail": 38, "rejected": 17},
    # tell of a delivery to S3, or that a rule is to run: no configuration in them
    "AWS.Config/awsdocs-example-configuration-history-notification-0.json": NOTICES,
    "AWS.Config/awsdocs-example-configuration-snapshot-notification-0.json": NOTICES,
    "AWS.Config/powertools-awsConfigRuleScheduled.json": NOTICES,
    # eleven hand-made test events name no verb
    "Amazon.EKS.Audit/panther-analysis-rule-tests.jsonl": {"Amazon.EKS.Audit": 177, "rejected": 11},
}


class Read(NamedTuple):
    """What became of one object."""

    rows: list[dict[str, Any]]
    counts: Counter[str]


@pytest.fixture
def read(library: Library, source: Source, parse_time: datetime) -> Any:
    """Reads one object, its type found automatically."""

    def read_object(body: bytes, key: str = "upload", log_types: tuple[str, ...] = ()) -> Read:
        feed = replace(source, log_types=log_types)
        opened = open_object(ObjectRef(source.bucket, key, etag="1"), feed, [body], library, max_bytes=1 << 30)
        made = digest([opened], library, None, parse_time)
        rows = [row for batch in made.batches for row in row_dicts(batch.table)]
        counts = Counter(row["p_log_type"] for row in rows) + Counter(rejected=len(made.rejects))
        return Read(rows, counts + Counter({f"ignored {reason}": n for reason, n in opened.ignored.items()}))

    return read_object


def _objects(path: Path) -> Iterator[bytes]:
    """The objects in a sample file: test harnesses wrap each in a line or element of their own."""
    body = path.read_bytes()
    if path.name.startswith("streamalert-") and path.suffix == ".json":
        yield from (json.dumps(each["data"]).encode() for each in json.loads(body))
    elif path.name == "streamalert-community.jsonl":
        yield from (json.dumps(json.loads(line)["record"]).encode() for line in body.splitlines())
    elif path.name == "panther-analysis-rule-tests.jsonl":
        events = (json.loads(line)["event"] for line in body.splitlines())
        yield b"\n".join(json.dumps(_raw(event)).encode() for event in events)
    else:
        yield body


def _raw(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if not key.startswith("p_")}


def _names(shared: Path) -> Iterable[Path]:
    return (path for folder in FOLDERS for path in sorted((shared / "samples" / folder).iterdir()))


def test_every_sample_is_of_the_type_of_its_folder(shared: Path, read: Any) -> None:
    wrong: dict[str, Any] = {}
    for path in _names(shared):
        name = f"{path.parent.name}/{path.name}"
        counts: Counter[str] = sum((read(body).counts for body in _objects(path)), Counter())
        expected = EXCEPTIONS.get(name)
        if counts != expected if expected else set(counts) != {path.parent.name}:
            wrong[name] = counts

    assert wrong == {}


def test_no_field_of_a_sample_is_unknown(shared: Path, read: Any) -> None:
    unknown = Counter(
        (row["p_log_type"], key)
        for path in _names(shared)
        for body in _objects(path)
        for row in read(body).rows
        for key in row.get("p_unmapped", {})
    )

    assert unknown == {}


# Indicators that hand-edited test events claim, and no raw field holds.
NOT_IN_THE_EVENT = {"54.212.83.236"}


@pytest.mark.parametrize("log_type", ["AWS.SecurityFindingFormat", "Amazon.EKS.Audit"])
def test_indicators_of_normalised_events_are_found_again(shared: Path, read: Any, log_type: str) -> None:
    path = shared / "samples" / log_type / "panther-analysis-rule-tests.jsonl"
    events = [json.loads(line)["event"] for line in path.read_text(encoding="utf-8").splitlines()]
    events = [event for event in events if "p_any_aws_arns" in event or "p_any_ip_addresses" in event]

    lost = {
        (key, value)
        for event in events
        for row in read(json.dumps(_raw(event)).encode(), "x").rows
        for key, values in event.items()
        if key.startswith("p_any_")
        for value in values
        if value not in row.get(key, ())
    }

    assert len(events) > 5
    assert {value for _, value in lost} <= NOT_IN_THE_EVENT


@pytest.mark.parametrize("name", ["ROUTE53", "SH_FINDINGS", "VPC_FLOW"])
def test_inputs_of_security_lake_are_read(shared: Path, read: Any, name: str) -> None:
    expected = {"ROUTE53": "AWS.VPCDns", "SH_FINDINGS": "AWS.SecurityFindingFormat", "VPC_FLOW": "AWS.VPCFlow"}
    folder = shared / "samples/ocsf/securitylake-validation/1.0.0-rc.2" / name / "inputs"

    found = {path.name: read(path.read_bytes()).counts for path in sorted(folder.iterdir())}

    assert len(found) == 4
    assert [path for path, counts in found.items() if set(counts) != {expected[name]}] == []


def test_flow_logs_of_parquet_delivery_have_the_values_of_the_file(shared: Path, read: Any) -> None:
    folder = shared / "samples/ocsf/securitylake-validation/1.0.0-rc.2/VPC_FLOW/inputs"
    names = {"srcaddr": "srcAddr", "dstport": "dstPort", "bytes": "bytes", "pkt_srcaddr": "pktSrcAddr"}

    for path in sorted(folder.iterdir()):
        wanted = [
            {names[key]: value for key, value in row.items() if key in names and value not in ("-", None)}
            for row in pq.read_table(path).to_pylist()
        ]
        rows = [{key: row[key] for key in names.values() if key in row} for row in read(path.read_bytes()).rows]
        assert rows == wanted


def test_events_of_security_lake_pass_through(shared: Path, read: Any) -> None:
    folder = shared / "samples/ocsf/securitylake-validation"
    paths = [path for path in sorted(folder.rglob("*.parquet")) if "inputs" not in path.parts]

    for path in paths:
        found = read(path.read_bytes())
        wanted = pq.read_table(path).to_pylist(maps_as_pydicts="lossy")
        assert set(found.counts) == {"AWS.OCSF"}, path
        for row, event in zip(found.rows, wanted, strict=True):
            given = {**row, **row.get("p_unmapped", {})}
            event = {key: value for key, value in _without_nulls(event).items() if not key.endswith("_dt")}
            assert {key: given.get(key) for key in event} == event
    assert len(paths) > 25


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def test_bodies_and_checks_of_model_invocations_are_ignored(read: Any) -> None:
    folder = "AWSLogs/111122223333/BedrockModelInvocationLogs"
    body = gzip.compress(json.dumps({"messages": []}).encode())

    assert read(body, f"{folder}/us-east-1/2026/02/03/04/data/x_input.json.gz").counts == {"ignored bedrock_body": 1}
    assert read(b"x", f"{folder}/amazon-bedrock-logs-permission-check").counts == {"ignored permission_check": 1}
    assert read(b"x", f"{folder}/permission-check/marker").counts == {"ignored permission_check": 1}


@pytest.mark.parametrize(
    ("name", "key", "values"),
    [
        pytest.param("H04_no_time.jsonl", "msg", ["no time here", "bad"], id="H04 no time"),
        pytest.param("P30_pretty_json.json", "status", ["success"], id="P30 pretty-printed"),
        pytest.param(
            "U06_lone_surrogate.jsonl", "m", ["ok \U0001f600", "bad \ufffd x", "nul \0 x"], id="U06 surrogate"
        ),
        pytest.param("Y01_number_then_text.jsonl", "tag", [{"value": v} for v in (123, "abc", None)], id="Y01 types"),
        pytest.param("Y06_big_integers.jsonl", "id", [9007199254740993, "18446744073709551616"], id="Y06 big integers"),
        pytest.param("Y07_leading_zero_ids.jsonl", "accountId", ["011122223333", "111122223333"], id="Y07 zeros"),
    ],
)
def test_field_faults_of_any_json_are_kept_as_they_are(
    shared: Path, read: Any, name: str, key: str, values: list[Any]
) -> None:
    found = read((shared / "cases/inputs" / name).read_bytes(), log_types=("Raw.JSON",))

    assert found.counts == {"Raw.JSON": len(values)}
    assert [row.get(key) for row in found.rows] == values
    assert all(row["p_event_time"] == row["p_parse_time"] and row["p_event_time_missing"] for row in found.rows)


def test_field_fault_of_a_mixed_batch_of_eks_logs(shared: Path, read: Any) -> None:
    body = (shared / "cases/inputs/P27_eks_mixed_batch.json").read_bytes()

    assert read(body).counts == {"Amazon.EKS.Audit": 1, "Amazon.EKS.ControlPlane": 2}
    assert read(body, log_types=("Amazon.EKS.Audit",)).counts == {"Amazon.EKS.Audit": 1, "ignored other_log_type": 2}


def test_field_fault_of_one_path_with_many_types_is_one_schema(shared: Path, read: Any) -> None:
    rows = read((shared / "cases/inputs/P23_waf_null_empty_list.jsonl").read_bytes()).rows

    assert [row["action"] for row in rows] == ["ALLOW", "BLOCK"]
    headers = rows[0]["httpRequest"]["headers"]
    assert [each["name"] for each in headers] == ["Host", "X-Forwarded-For", "x-forwarded-for"]
    assert rows[0]["ruleGroupList"][0]["excludedRules"] is None
