from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from headwater.ingest.classify import Ignored, classify
from headwater.model import Chunk
from headwater.schema.logtype import LogType

Library = Mapping[str, LogType]
LB = "AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/02/03"
LB_NAME = "111122223333_elasticloadbalancing_us-east-1"
EVENT = b'{"eventVersion":"1.11","eventTime":"2026-02-03T04:05:06Z","eventSource":"s3.amazonaws.com","eventName":"x"}'
DIGEST = b'{"awsAccountId":"1","digestStartTime":"a","digestEndTime":"b","digestS3Bucket":"c"}'
INSIGHT = b'{"eventVersion":"1.07","eventTime":"a","sharedEventID":"b","insightDetails":{}}'
VPC_LINE = b"2 111122223333 eni-0example 192.0.2.10 192.0.2.20 443 49152 6 10 8400 1770091200 1770091260 ACCEPT OK"
CONNECTION_LINE = b'2026-02-03T04:05:06.514108Z 192.0.2.10 36280 443 TLSv1.2 X 4.036 "CN=example.com" a b Success TID_0'


def _json(*records: bytes) -> Chunk:
    return Chunk("json", records)


def _lines(*lines: bytes) -> Chunk:
    return Chunk("lines", lines)


def _name(found: LogType | Ignored | None) -> str | None:
    return found.name if isinstance(found, LogType) else found.reason if isinstance(found, Ignored) else None


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(
            "p/AWSLogs/o-exampleorgid/111122223333/CloudTrail/us-east-1/2026/02/03/"
            "111122223333_CloudTrail_us-east-1_20260203T0405Z_ABCDEFGHIJKLMNOP.json.gz",
            "AWS.CloudTrail",
            id="organisation trail",
        ),
        pytest.param(
            "111122223333_CloudTrail_us-east-2_20150801T1255ZHdkvFTXOA3Vnhbc.json.gz", "AWS.CloudTrail", id="old trail"
        ),
        pytest.param(
            "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/02/03/04/"
            "111122223333_vpcflowlogs_us-east-1_fl-0123456789abcdef0_20260203T0405Z_0a1b2c3d.log.gz",
            "AWS.VPCFlow",
            id="flow log",
        ),
        pytest.param(f"{LB}/{LB_NAME}_app.example.0123_20260203T0405Z_192.0.2.30_abcdefgh.log.gz", "AWS.ALB", id="alb"),
        pytest.param("logs/2026-02-03-04-05-06-0123456789ABCDEF", "AWS.S3ServerAccess", id="bucket log"),
        pytest.param(f"{LB}/{LB_NAME}_net.example.0123_20260203T0405Z_abcdefgh.log.gz", "AWS.NLB", id="nlb"),
        pytest.param(f"{LB}/{LB_NAME}_example_20260203T0405Z_192.0.2.30_abcdefgh.log", "AWS.CLB", id="classic lb"),
        pytest.param(
            f"{LB}/conn_log_{LB_NAME}_app.example.0123_20260203T0405Z_192.0.2.30_a.log.gz",
            "AWS.ALBConnection",
            id="conn_log_",
        ),
        pytest.param(
            f"{LB}/conn_log.{LB_NAME}_app.example.0123_20260203T0405Z_192.0.2.30_a.log.gz",
            "AWS.ALBConnection",
            id="conn_log.",
        ),
        pytest.param(f"{LB}/health_check_log_{LB_NAME}_app.e.0_20260203T0405Z_192.0.2.30_a.log.gz", None, id="health"),
    ],
)
def test_key_tells_the_log_type(library: Library, key: str, expected: str | None) -> None:
    assert _name(classify(key, _lines(b"some text"), library, ())) == expected


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        pytest.param(_json(EVENT), "AWS.CloudTrail", id="cloudtrail"),
        pytest.param(_json(b'{"logstash":"reshaped"}', EVENT), "AWS.CloudTrail", id="a strange record first"),
        pytest.param(_json(EVENT.replace(b"eventName", b"EventName")), "AWS.CloudTrail", id="other letter case"),
        pytest.param(_json(b'{"message":"hello"}'), None, id="other json"),
        pytest.param(_json(b"[1]", b"\xff", b"["), None, id="not objects"),
        pytest.param(_lines(VPC_LINE), "AWS.VPCFlow", id="flow log without header"),
        pytest.param(_lines(b"srcaddr dstaddr bytes"), "AWS.VPCFlow", id="short header of known names alone"),
        pytest.param(
            _lines(b"version  new-name srcaddr dstaddr start end", b"x"), "AWS.VPCFlow", id="five known names"
        ),
        pytest.param(_lines(b"start of version four"), None, id="prose"),
        pytest.param(_lines(b"2 words"), None, id="two words"),
        pytest.param(_lines(CONNECTION_LINE), "AWS.ALBConnection", id="connection log"),
        pytest.param(
            _lines(b"tls 2.0 2026-02-03T04:05:06 net/example/0 0 192.0.2.10:1 192.0.2.20:443"), "AWS.NLB", id="nlb"
        ),
    ],
)
def test_content_tells_the_log_type_of_an_unknown_key(library: Library, chunk: Chunk, expected: str | None) -> None:
    assert _name(classify("upload/file.gz", chunk, library, ())) == expected


@pytest.mark.parametrize(
    ("key", "chunk", "reason"),
    [
        pytest.param(
            "AWSLogs/1/CloudTrail-Digest/us-east-1/x.json.gz", _json(b"{}"), "cloudtrail_digest", id="digest key"
        ),
        pytest.param("x", _json(DIGEST), "cloudtrail_digest", id="digest"),
        pytest.param("AWSLogs/1/CloudTrail-Insight/x.json.gz", _json(b"{}"), "cloudtrail_insight", id="insight key"),
        pytest.param("x", _json(INSIGHT), "cloudtrail_insight", id="insight"),
        pytest.param("AWSLogs/1/CloudTrail-Aggregated/x", _json(b"{}"), "cloudtrail_aggregated", id="aggregated key"),
        pytest.param(
            "AWSLogs/1/ELBAccessLogTestFile", _lines(b"Enable AccessLog"), "elb_test_file", id="elb test file"
        ),
        pytest.param(
            "AWSLogs/1/Config/ConfigWritabilityCheckFile", _lines(b""), "config_test_file", id="config test file"
        ),
        pytest.param("a/_temporary/0/part-0", _lines(b"x"), "temporary", id="temporary"),
        pytest.param("AWSLogs/", _lines(b"x"), "folder_marker", id="folder"),
    ],
)
def test_objects_beside_logs_are_ignored_with_a_reason(library: Library, key: str, chunk: Chunk, reason: str) -> None:
    assert classify(key, chunk, library, ("AWS.CloudTrail",)) == Ignored(reason)


@pytest.mark.parametrize("allowed", [(), ("AWS.CloudTrail", "AWS.CloudTrailDigest")], ids=["automatic", "named"])
def test_digest_is_a_log_type_where_the_source_does_not_leave_it_out(library: Library, allowed: Sequence[str]) -> None:
    assert _name(classify("x", _json(DIGEST), library, allowed)) == "AWS.CloudTrailDigest"


def test_what_fits_nothing_is_raw_json_only_where_the_source_names_it(library: Library) -> None:
    anything = _json(b'{"message":"hello"}')

    assert classify("x", anything, library, ()) is None
    assert classify("x", anything, library, ("AWS.CloudTrail", "AWS.GuardDuty")) is None
    assert _name(classify("x", anything, library, ("AWS.CloudTrail", "Raw.JSON"))) == "Raw.JSON"
    assert _name(classify("x", _json(EVENT), library, ("AWS.CloudTrail", "Raw.JSON"))) == "AWS.CloudTrail"
    assert _name(classify("x", _json(DIGEST), library, ("Raw.JSON",))) == "Raw.JSON"


def test_configured_types_narrow_the_choice(library: Library) -> None:
    assert classify("x", _json(EVENT), library, ("AWS.ALB", "AWS.VPCFlow")) is None


def test_sole_configured_json_type_takes_records_it_does_not_recognise(library: Library) -> None:
    assert _name(classify("x", _json(b'{"@timestamp":"a"}'), library, ("AWS.CloudTrail",))) == "AWS.CloudTrail"


def test_connection_log_is_no_access_log_even_when_that_is_configured(library: Library) -> None:
    assert classify("conn_log_x", _lines(CONNECTION_LINE), library, ("AWS.ALB",)) is None
    assert classify("x", _lines(CONNECTION_LINE), library, ("AWS.ALB",)) is None


def test_broken_text_has_a_type_by_its_key_alone(library: Library) -> None:
    chunk = Chunk("lines", [VPC_LINE], context={"defect": "invalid_json"})
    key = "111122223333_CloudTrail_us-east-1_20260203T0405Z_ABCDEFGHIJKLMNOP.json.gz"

    found: list[Any] = [classify("x", chunk, library, ()), classify(key, chunk, library, ())]

    assert [_name(each) for each in found] == [None, "AWS.CloudTrail"]
