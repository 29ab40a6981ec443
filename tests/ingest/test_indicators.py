from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest

from headwater.ingest.extract import EXTRACTS
from headwater.ingest.indicators import indicators
from headwater.schema.logtype import INDICATORS, Field

Rows = Callable[[str, Sequence[Any]], list[dict[str, Any]]]
A = "111122223333"
ROLE = f"arn:aws:iam::{A}:role/Admin"


def _any(row: dict[str, Any]) -> dict[str, list[str]]:
    return {name.removeprefix("p_any_"): values for name, values in row.items() if name.startswith("p_any_")}


def _event(**fields: Any) -> bytes:
    event = {"eventTime": "2026-02-03T04:05:06Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject"}
    return json.dumps({**event, **fields}).encode()


def _yield(name: str, text: str) -> dict[str, list[str]]:
    """What one text yields by one indicator."""
    field = Field("x", "string", "X.", "x", indicators=(name,))
    found = indicators([field], {"x": pa.array([text])}, 1)
    return _any({column: array[0].as_py() for column, array in found.items() if array[0].is_valid})


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param("ip", "192.0.2.10", {"ip_addresses": ["192.0.2.10"]}, id="ipv4"),
        pytest.param("ip", "2001:DB8:0:0::1", {"ip_addresses": ["2001:db8::1"]}, id="ipv6 in short form"),
        pytest.param("ip", "192.0.2.256", {}, id="no octet"),
        pytest.param("ip", "192.0.2.010", {}, id="leading zero"),
        pytest.param("ip", "192.0.2", {}, id="three octets"),
        pytest.param("ip", "12:34", {}, id="time of day"),
        pytest.param("ip", "", {}, id="empty"),
        pytest.param("hostname", "192.0.2.10", {"ip_addresses": ["192.0.2.10"]}, id="host is an address"),
        pytest.param(
            "hostname", "Config.amazonaws.com.", {"domain_names": ["config.amazonaws.com"]}, id="host is a name"
        ),
        pytest.param("hostname", "AWS Internal", {}, id="host is neither"),
        pytest.param("hostname", "localhost", {}, id="host without dot"),
        pytest.param("domain", "_dmarc.example.com", {"domain_names": ["_dmarc.example.com"]}, id="underscore"),
        pytest.param("domain", "a" * 64 + ".example.com", {}, id="label too long"),
        pytest.param("domain", "ab." * 90 + "com", {}, id="name too long"),
        pytest.param("url", "https://u:p@www.example.com:8443/a?b#c", {"domain_names": ["www.example.com"]}, id="url"),
        pytest.param("url", "http://[2001:db8::1]:80/", {"ip_addresses": ["2001:db8::1"]}, id="url with ipv6"),
        pytest.param("net_addr", "192.0.2.10:443", {"ip_addresses": ["192.0.2.10"]}, id="address and port"),
        pytest.param("net_addr", "www.example.com:443", {"domain_names": ["www.example.com"]}, id="name and port"),
        pytest.param("net_addr", "2001:db8::1", {"ip_addresses": ["2001:db8::1"]}, id="bare ipv6"),
        pytest.param("aws_arn", ROLE, {"aws_arns": [ROLE], "aws_account_ids": [A]}, id="arn"),
        pytest.param(
            "aws_arn", "arn:aws:s3:::bucket/a b", {"aws_arns": ["arn:aws:s3:::bucket/a b"]}, id="arn of no account"
        ),
        pytest.param(
            "aws_arn",
            f"arn:aws-cn:ec2:cn-north-1:{A}:instance/i-0123456789abcdef0",
            {
                "aws_arns": [f"arn:aws-cn:ec2:cn-north-1:{A}:instance/i-0123456789abcdef0"],
                "aws_account_ids": [A],
                "aws_instance_ids": ["i-0123456789abcdef0"],
            },
            id="arn of an instance",
        ),
        pytest.param(
            "aws_arn",
            f"arn:aws:sts::{A}:assumed-role/Admin/Bob@example.com",
            {
                "aws_arns": [f"arn:aws:sts::{A}:assumed-role/Admin/Bob@example.com"],
                "aws_account_ids": [A],
                "usernames": ["Bob"],
                "emails": ["bob@example.com"],
            },
            id="arn of a session",
        ),
        pytest.param(
            "aws_arn",
            f"arn:aws:sts::{A}:assumed-role/Admin",
            {"aws_arns": [f"arn:aws:sts::{A}:assumed-role/Admin"], "aws_account_ids": [A]},
            id="session without a name",
        ),
        pytest.param("aws_arn", "AmazonS3", {}, id="no arn"),
        pytest.param("aws_arn", "arn:aws", {}, id="half an arn"),
        pytest.param("aws_arn_only", ROLE, {"aws_arns": [ROLE]}, id="arn alone"),
        pytest.param("aws_account_id", A, {"aws_account_ids": [A]}, id="account"),
        pytest.param("aws_account_id", "anonymous", {}, id="anonymous"),
        pytest.param("aws_account_id", A + "4", {}, id="13 digits"),
        pytest.param("aws_account_id", A + "\n", {}, id="line end behind"),
        pytest.param("aws_instance_id", "i-0a1b2c3d", {"aws_instance_ids": ["i-0a1b2c3d"]}, id="old instance"),
        pytest.param("aws_instance_id", "i-0example", {}, id="no instance"),
        pytest.param("aws_tag", "env:prod", {"aws_tags": ["env:prod"]}, id="tag"),
        pytest.param("username", "alice", {"usernames": ["alice"]}, id="user"),
        pytest.param("username", "HIDDEN_DUE_TO_SECURITY_REASONS", {}, id="hidden user"),
        pytest.param(
            "email", "Alice@Example.com", {"emails": ["alice@example.com"], "usernames": ["Alice"]}, id="e-mail"
        ),
        pytest.param("email", "alice", {}, id="no e-mail"),
        pytest.param("trace_id", "Root=1-0", {"trace_ids": ["Root=1-0"]}, id="trace"),
        pytest.param("trace_id", "", {}, id="no trace"),
        pytest.param(
            "actor_id",
            "AROAEXAMPLEEXAMPLEEX:bob",
            {"actor_ids": ["AROAEXAMPLEEXAMPLEEX", "AROAEXAMPLEEXAMPLEEX:bob"]},
            id="role session",
        ),
        pytest.param("actor_id", "AIDAEXAMPLEEXAMPLEEX", {"actor_ids": ["AIDAEXAMPLEEXAMPLEEX"]}, id="user id"),
        pytest.param("md5", "D" * 32, {"md5_hashes": ["d" * 32]}, id="md5"),
        pytest.param("sha1", "0" * 40, {"sha1_hashes": ["0" * 40]}, id="sha1"),
        pytest.param("sha256", "a" * 64, {"sha256_hashes": ["a" * 64]}, id="sha256"),
        pytest.param("sha256", "a" * 63, {}, id="no sha256"),
    ],
)
def test_indicator_yields(name: str, text: str, expected: dict[str, list[str]]) -> None:
    assert _yield(name, text) == expected


@pytest.mark.parametrize("name", sorted(set(INDICATORS) - {"scan"}))
def test_indicator_fills_the_columns_it_promises_and_no_other(name: str) -> None:
    filled = {column for column, _ in EXTRACTS[name](pa.array([ROLE, "a@b.cc", "x", None]))}

    assert filled <= set(INDICATORS[name])


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param({"roleArn": ROLE}, {"aws_arns": [ROLE], "aws_account_ids": [A]}, id="arn under any name"),
        pytest.param({"a": [[{"b": [ROLE]}]]}, {"aws_arns": [ROLE], "aws_account_ids": [A]}, id="arn deep inside"),
        pytest.param(ROLE, {"aws_arns": [ROLE], "aws_account_ids": [A]}, id="arn alone"),
        pytest.param({"policy": json.dumps({"Resource": ROLE})}, {}, id="arn in embedded JSON"),
        pytest.param({"text": f"see {ROLE}"}, {}, id="arn in a sentence"),
        pytest.param(
            {"ownerAccountId": A, "account": "444455556666"}, {"aws_account_ids": [A, "444455556666"]}, id="accounts"
        ),
        pytest.param({"ownerId": A, "accountId": "short"}, {}, id="no accounts"),
        pytest.param({"instanceId": "i-0a1b2c3d"}, {"aws_instance_ids": ["i-0a1b2c3d"]}, id="instance"),
        pytest.param({"sourceInstanceId": "i-0a1b2c3d"}, {"aws_instance_ids": ["i-0a1b2c3d"]}, id="some instance"),
        pytest.param({"instance-id": "i-0a1b2c3d"}, {"aws_instance_ids": ["i-0a1b2c3d"]}, id="instance with hyphen"),
        pytest.param(
            {"publicIp": "192.0.2.1", "privateIpAddress": "192.0.2.2"},
            {"ip_addresses": ["192.0.2.1", "192.0.2.2"]},
            id="addresses",
        ),
        pytest.param(
            {"ipv6Addresses": ["2001:db8::1", "x"]}, {"ip_addresses": ["2001:db8::1"]}, id="list of addresses"
        ),
        pytest.param(
            {"ipAddressV4": "192.0.2.1", "sourceIPAddress": "192.0.2.2"},
            {"ip_addresses": ["192.0.2.1", "192.0.2.2"]},
            id="more addresses",
        ),
        pytest.param({"cidrIp": "192.0.2.0"}, {}, id="address under another name"),
        pytest.param(
            {"publicDnsName": "a.example.com", "domain": "b.example.com"},
            {"domain_names": ["a.example.com", "b.example.com"]},
            id="domains",
        ),
        pytest.param({"tags": [{"key": "env", "value": "prod"}]}, {"aws_tags": ["env:prod"]}, id="tags"),
        pytest.param({"tagSet": [{"Key": "env", "Value": "prod"}]}, {"aws_tags": ["env:prod"]}, id="tags in capitals"),
        pytest.param({"tags": [{"key": "env"}, "x", None, [1]], "Tags": {"a": "b"}}, {}, id="odd tags"),
        pytest.param(
            {"tags": [{"key": "owner", "value": ROLE}]},
            {"aws_tags": [f"owner:{ROLE}"], "aws_arns": [ROLE], "aws_account_ids": [A]},
            id="arn in a tag",
        ),
        pytest.param(7, {}, id="number"),
    ],
)
@pytest.mark.parametrize(
    "column", ["requestParameters", "responseElements", "additionalEventData", "serviceEventDetails"]
)
def test_documents_are_scanned(rows: Rows, column: str, parameters: object, expected: dict[str, list[str]]) -> None:
    assert _any(rows("AWS.CloudTrail", [_event(**{column: parameters})])[0]) == expected


@pytest.mark.parametrize(
    "identity",
    [
        pytest.param({"arn": ROLE}, id="as declared"),
        pytest.param({"arn": ROLE, "sessionContext": "odd"}, id="a part of another type"),
        pytest.param({"arn": ROLE, "sessionContext": None}, id="a part that is null"),
        pytest.param({"arn": ROLE, "accountId": 111122223333}, id="an account as a number"),
    ],
)
def test_declared_parts_are_found_whatever_stands_beside_them(rows: Rows, identity: dict[str, Any]) -> None:
    found = _any(rows("AWS.CloudTrail", [_event(userIdentity=identity)])[0])

    assert found == {"aws_arns": [ROLE], "aws_account_ids": [A]}


@pytest.mark.parametrize("name", ["ARN", "arn"])
def test_resources_are_found_in_either_spelling(rows: Rows, name: str) -> None:
    resources = [{name: "arn:aws:s3:::b"}, {name: ROLE, "accountId": "444455556666"}]

    found = _any(rows("AWS.CloudTrail", [_event(resources=resources)])[0])

    assert found == {"aws_arns": [ROLE, "arn:aws:s3:::b"], "aws_account_ids": [A, "444455556666"]}


def test_values_are_sorted_and_distinct_and_stay_with_their_row(rows: Rows) -> None:
    found = rows(
        "AWS.CloudTrail",
        [
            _event(recipientAccountId="999988887777", requestParameters={"accountId": A, "roleArn": ROLE}),
            _event(),
            _event(recipientAccountId=A, requestParameters={"accountId": A}),
            _event(recipientAccountId="999988887777", requestParameters={"accountId": A, "roleArn": ROLE}),
        ],
    )

    assert [row.get("p_any_aws_account_ids") for row in found] == [[A, "999988887777"], None, [A], [A, "999988887777"]]
    assert [row.get("p_any_aws_arns") for row in found] == [[ROLE], None, None, [ROLE]]


def test_indicators_of_lists_are_read() -> None:
    field = Field("x", "array", "X.", "x", indicators=("ip",), element=Field("element", "string", "", "element"))
    array = pa.array([["192.0.2.2", "192.0.2.1"], None, [], ["x", None, "192.0.2.1"]])

    found = indicators([field], {"x": array}, 4)["p_any_ip_addresses"]

    assert found.to_pylist() == [["192.0.2.1", "192.0.2.2"], None, None, ["192.0.2.1"]]
