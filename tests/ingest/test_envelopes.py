"""Records come out of whatever services wrap them in, with their type, their order and their row numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.ingest.decode import decode
from headwater.ingest.envelopes import MAX_DEPTH, open_envelopes
from headwater.model import Chunk

ACCOUNT = "111122223333"
CALL = {
    "eventVersion": "1.11",
    "eventTime": "2026-02-03T04:05:06Z",
    "eventSource": "s3.amazonaws.com",
    "eventName": "x",
}
FINDING = {"schemaVersion": "2.0", "accountId": ACCOUNT, "severity": 2, "resource": {}, "service": {}}
ASFF = {"ProductArn": "arn:aws:securityhub:us-east-1::product/aws/x", "AwsAccountId": ACCOUNT, "Id": "1"}
ITEM = {"awsAccountId": ACCOUNT, "resourceType": "AWS::S3::Bucket", "resourceId": "b"}


def event(detail_type: str, detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "1",
        "detail-type": detail_type,
        "source": "aws.x",
        "account": ACCOUNT,
        "detail": detail,
    }


def sns(message: Any) -> dict[str, Any]:
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
    return {"Type": "Notification", "MessageId": "1", "TopicArn": topic, "Message": message}


def subscription(*messages: str, kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    events = [{"id": "1", "timestamp": 1, "message": message} for message in messages]
    names = {"owner": ACCOUNT, "logGroup": "g", "logStream": "s", "subscriptionFilters": []}
    return {"messageType": kind, **names, "logEvents": events}


def opened(
    *records: Any, allowed: Sequence[str] = (), ignored: Counter[str] | None = None
) -> list[tuple[str | None, int, list[Any]]]:
    """The chunks: log type told, first row, records."""
    body = "\n".join(json.dumps(each) for each in records).encode()
    counts: Counter[str] = Counter() if ignored is None else ignored
    return [
        (chunk.context.get("log_type"), chunk.first_row, list(map(_shown, chunk.records)))
        for chunk in open_envelopes(decode([body], max_bytes=1 << 20), allowed, counts)
    ]


def _shown(record: Any) -> Any:
    text = bytes(record).decode()
    return json.loads(text) if text.startswith(('{"', "[")) else text


@pytest.mark.parametrize(
    ("detail_type", "detail", "log_type", "inside"),
    [
        pytest.param("AWS API Call via CloudTrail", CALL, "AWS.CloudTrail", [CALL], id="cloudtrail call"),
        pytest.param("AWS Console Sign In via CloudTrail", CALL, "AWS.CloudTrail", [CALL], id="sign-in"),
        pytest.param("GuardDuty Finding", FINDING, "AWS.GuardDuty", [FINDING], id="guardduty"),
        pytest.param("Macie Finding", FINDING, "AWS.Macie", [FINDING], id="macie"),
        pytest.param("Inspector2 Finding", FINDING, "AWS.Inspector2", [FINDING], id="inspector"),
        pytest.param("Access Analyzer Finding", FINDING, "AWS.AccessAnalyzer", [FINDING], id="access analyzer"),
        pytest.param(
            "Security Hub Findings - Imported",
            {"findings": [ASFF, ASFF]},
            "AWS.SecurityFindingFormat",
            [ASFF, ASFF],
            id="security hub",
        ),
        pytest.param(
            "Config Configuration Item Change",
            {"messageType": "ConfigurationItemChangeNotification", "configurationItem": ITEM},
            "AWS.Config",
            [ITEM],
            id="config item",
        ),
        pytest.param("Config Rules Compliance Change", ITEM, "AWS.Config", [ITEM], id="compliance"),
    ],
)
def test_detail_with_a_log_type_is_taken_out_of_its_event(
    detail_type: str, detail: Any, log_type: str, inside: list[Any]
) -> None:
    assert opened(event(detail_type, detail)) == [(log_type, 0, inside)]
    assert opened(event(detail_type, detail), allowed=("Raw.JSON", log_type)) == [(log_type, 0, inside)]


@pytest.mark.parametrize(
    ("detail_type", "allowed"),
    [
        pytest.param("GuardDuty Finding", ("AWS.CloudWatchEvents",), id="the source names events"),
        pytest.param("GuardDuty Finding", ("AWS.GuardDuty", "AWS.CloudWatchEvents"), id="it names both"),
        pytest.param("GuardDuty Finding", ("AWS.CloudTrail",), id="it names another type"),
        pytest.param("GuardDuty Finding", ("Raw.JSON",), id="it wants everything raw"),
        pytest.param("EC2 Instance State-change Notification", (), id="no type of its own"),
    ],
)
def test_event_stays_whole(detail_type: str, allowed: Sequence[str]) -> None:
    whole = event(detail_type, FINDING)

    assert opened(whole, allowed=allowed) == [(None, 0, [whole])]


def test_mixed_events_come_in_runs_with_rows_numbered_through() -> None:
    other = event("EC2 Instance State-change Notification", {})
    hub = event("Security Hub Findings - Imported", {"findings": [ASFF, ASFF]})

    assert opened(hub, hub, other, event("GuardDuty Finding", FINDING), CALL) == [
        ("AWS.SecurityFindingFormat", 0, [ASFF] * 4),
        (None, 4, [other]),
        ("AWS.GuardDuty", 5, [FINDING]),
        (None, 6, [CALL]),
    ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(json.dumps(CALL), [(None, 0, [CALL])], id="record"),
        pytest.param(json.dumps([CALL, CALL]), [(None, 0, [CALL, CALL])], id="list"),
        pytest.param(json.dumps({"Records": [CALL]}), [(None, 0, [CALL])], id="cloudtrail file"),
        pytest.param(
            json.dumps({"Events": [{"CloudTrailEvent": json.dumps(CALL)}]}), [(None, 0, [CALL])], id="lookup events"
        ),
        pytest.param(
            json.dumps(subscription(json.dumps(CALL), "text")), [(None, 0, [CALL]), (None, 1, ["text"])], id="logs"
        ),
        pytest.param(json.dumps(event("GuardDuty Finding", FINDING)), [("AWS.GuardDuty", 0, [FINDING])], id="event"),
        pytest.param(json.dumps(sns(json.dumps(CALL))), [(None, 0, [CALL])], id="notification"),
        pytest.param("first line\nsecond", [(None, 0, ["first line", "second"])], id="text"),
        pytest.param("{ no json", [(None, 0, ["{ no json"])], id="text like JSON"),
        pytest.param(CALL, [(None, 0, [CALL])], id="written as an object"),
    ],
)
def test_message_of_a_notification_is_opened(message: Any, expected: list[Any]) -> None:
    assert opened(sns(message)) == expected


def test_finding_is_taken_out_however_many_other_events_come_first() -> None:
    other = event("EC2 Instance State-change Notification", {})

    found = opened(*[other] * 50, event("GuardDuty Finding", FINDING))

    assert found == [(None, 0, [other] * 50), ("AWS.GuardDuty", 50, [FINDING])]


def test_context_of_logs_inside_a_notification_is_kept() -> None:
    body = json.dumps(sns(json.dumps(subscription(json.dumps(event("GuardDuty Finding", FINDING)))))).encode()

    (chunk,) = open_envelopes(decode([body], max_bytes=1 << 20), (), Counter())

    assert chunk.context == {"owner": ACCOUNT, "logGroup": "g", "logStream": "s", "log_type": "AWS.GuardDuty"}
    assert _shown(chunk.records[0]) == FINDING


def test_items_of_a_configuration_snapshot_are_records() -> None:
    snapshot = {"fileVersion": "1.0", "configSnapshotId": "1", "configurationItems": [ITEM, ITEM]}

    assert opened(snapshot) == [("AWS.Config", 0, [ITEM, ITEM])]
    assert opened(snapshot, allowed=("Raw.JSON",)) == [(None, 0, [snapshot])]


@pytest.mark.parametrize("name", ["findings", "Findings"])
def test_report_of_findings_is_a_list_of_records(name: str) -> None:
    assert opened({name: [ASFF], "NextToken": None}) == [(None, 0, [ASFF])]


def test_list_called_findings_in_other_records_stays_there() -> None:
    scan = {"scanner": "x", "findings": [{"name": "y"}]}

    assert opened(scan) == [(None, 0, [scan])]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param({**sns("x"), "Type": "SubscriptionConfirmation"}, "sns_confirmation", id="subscription"),
        pytest.param(
            sns(json.dumps({"messageType": "ConfigurationHistoryDeliveryCompleted"})), "config_notice", id="config"
        ),
        pytest.param(
            {"invokingEvent": json.dumps({"messageType": "ScheduledNotification"}), "resultToken": "x"},
            "config_notice",
            id="scheduled rule",
        ),
        pytest.param(
            sns(json.dumps(subscription("x", kind="CONTROL_MESSAGE"))), "cloudwatch_control_message", id="control"
        ),
        pytest.param(event("Security Hub Findings - Imported", {"findings": []}), "empty_list", id="no findings"),
        pytest.param(sns(" "), "empty_message", id="empty message"),
        pytest.param(sns('{"Records":[]}'), "empty_message", id="message of no records"),
    ],
)
def test_what_is_no_log_is_counted_and_not_read(record: Any, reason: str) -> None:
    ignored: Counter[str] = Counter()

    assert opened(record, ignored=ignored) == []
    assert ignored == {reason: 1}


def test_envelopes_are_opened_to_a_bound() -> None:
    record: Any = CALL
    for _ in range(MAX_DEPTH):
        record = sns(json.dumps(record))

    assert opened(record) == [(None, 0, [CALL])]
    assert opened(sns(json.dumps(record))) == [(None, 0, [sns(json.dumps(CALL))])]


NAMES = (
    *("detail-type", "detail", "Type", "Message", "TopicArn", "findings", "configurationItems", "messageType"),
    *("configurationItem", "invokingEvent", "resultToken", "logEvents", "Events", "Records", "CloudTrailEvent"),
)
TEXTS = st.sampled_from(
    ["GuardDuty Finding", "Security Hub Findings - Imported", "Notification", "DATA_MESSAGE", "", "x"]
)
SCALARS = st.none() | st.integers() | TEXTS | st.text(max_size=5)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner | inner.map(json.dumps), max_size=5)
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(records=st.lists(st.dictionaries(st.sampled_from(NAMES), TREES | TREES.map(json.dumps)), max_size=4))
def test_whatever_is_wrapped_in_whatever_nothing_is_lost_uncounted(records: list[Any]) -> None:
    ignored: Counter[str] = Counter()
    chunk = Chunk("json", [json.dumps(each).encode() for each in records])

    chunks = list(open_envelopes([chunk], (), ignored))

    assert sum(len(each.records) for each in chunks) + ignored.total() >= len(records)
    assert [each.first_row for each in chunks] == [
        sum(len(each.records) for each in chunks[:number]) for number in range(len(chunks))
    ]


def test_records_without_envelope_pass_untouched() -> None:
    chunk = Chunk("json", [json.dumps(CALL).encode()])

    (found,) = open_envelopes([chunk], (), Counter())

    assert found is chunk
