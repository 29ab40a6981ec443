"""Sessions of customers' roles: made once, regional, renewed, and told apart where they are refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headwater.aws.s3 import fetch, head
from headwater.aws.session import Sessions
from headwater.errors import AccessDenied, ConfigError, ObjectError, ObjectMissing, TransientError
from headwater.model import ObjectRef, Source
from support.wire import CUSTOMER, ROLE, SOURCE, Reply, Sent, Wire, s3_error, session, sts_refusal, whole

REF = ObjectRef("payments-logs", "AWSLogs/1.json.gz", etag="e1")
WORKER = "arn:aws:sts::999988887777:assumed-role/headwater-worker/task"


def read(sessions: Sessions, source: Source = SOURCE) -> bytes:
    return b"".join(fetch(sessions, REF, source, lambda seconds: None).blocks)


def test_a_role_is_assumed_once_for_many_objects_and_threads(wire: Wire) -> None:
    wire.answers = [whole(b"{}")]
    sessions = Sessions("us-east-1")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read(sessions), range(32)))

    assert found == [b"{}"] * 32
    assert len(wire.to("sts")) == 1


def test_sources_of_one_role_in_two_regions_share_its_session(wire: Wire) -> None:
    wire.answers = [whole(b"{}")]
    sessions = Sessions("us-east-1")

    read(sessions)
    read(sessions, replace(SOURCE, region="eu-central-1"))

    hosts = [each.host for each in wire.to("s3")]
    assert hosts == ["payments-logs.s3.amazonaws.com", "payments-logs.s3.eu-central-1.amazonaws.com"]
    assert len(wire.to("sts")) == 1


def test_assuming_names_headwater_the_external_id_and_an_hour(wire: Wire) -> None:
    wire.answers = [whole(b"{}")]

    read(Sessions("us-east-1", "headwater-backfill"))

    asked = wire.to("sts")[0].parameters
    assert (asked["RoleArn"], asked["RoleSessionName"], asked["ExternalId"], asked["DurationSeconds"]) == (
        ROLE,
        "headwater-backfill",
        "example-external-id",
        "3600",  # role chaining allows no more
    )


@pytest.mark.parametrize("legacy", [False, True], ids=["default", "legacy endpoints asked for"])
@pytest.mark.parametrize(
    ("region", "bucket_region", "sts_host", "s3_host"),
    [
        pytest.param(
            "us-east-1", "me-south-1", "sts.us-east-1.amazonaws.com", "s3.me-south-1.amazonaws.com", id="opt-in"
        ),
        pytest.param(
            "us-gov-west-1",
            "us-gov-east-1",
            "sts.us-gov-west-1.amazonaws.com",
            "s3.us-gov-east-1.amazonaws.com",
            id="gov",
        ),
        pytest.param(
            "cn-northwest-1",
            "cn-north-1",
            "sts.cn-northwest-1.amazonaws.com.cn",
            "s3.cn-north-1.amazonaws.com.cn",
            id="china",
        ),
    ],
)
def test_hosts_are_regional_in_every_partition(
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    legacy: bool,
    region: str,
    bucket_region: str,
    sts_host: str,
    s3_host: str,
) -> None:
    if legacy:
        monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    wire.answers = [whole(b"{}")]

    read(Sessions(region), replace(SOURCE, region=bucket_region))

    assert [each.host for each in wire.sent] == [sts_host, f"payments-logs.{s3_host}"]


def test_a_session_is_renewed_before_it_ends(wire: Wire) -> None:
    wire.answers = [whole(b"{}")]
    start = datetime(2026, 2, 3, tzinfo=UTC)
    wire.sts = lambda sent: session(len(wire.to("sts")), (start + timedelta(hours=1)).isoformat())
    now = [start]
    sessions = Sessions("us-east-1", now=lambda: now[0])

    read(sessions)
    now[0] = start + timedelta(minutes=44)
    read(sessions)
    before = len(wire.to("sts"))
    now[0] = start + timedelta(minutes=46)
    read(sessions)

    assert (before, len(wire.to("sts"))) == (1, 2)


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "TokenRefreshRequired"])
def test_a_session_that_aws_calls_expired_is_made_anew_once(wire: Wire, code: str) -> None:
    wire.answers = [s3_error(400, code, "The provided token has expired."), whole(b"{}")]

    assert read(Sessions("us-east-1")) == b"{}"
    assert [each.service for each in wire.sent] == ["sts", "s3", "sts", "s3"]


def test_a_session_that_stays_expired_is_a_passing_fault(wire: Wire) -> None:
    wire.answers = [s3_error(400, "ExpiredToken", "The provided token has expired.")]

    with pytest.raises(TransientError, match="ExpiredToken"):
        read(Sessions("us-east-1"))

    assert len(wire.to("sts")) == 2


def test_many_threads_that_meet_an_expired_session_make_one_new_one(wire: Wire) -> None:
    def answer(sent: Sent) -> Reply:
        old = "ASIA1/" in sent.headers["Authorization"]
        return s3_error(400, "ExpiredToken", "expired") if old else whole(b"{}")

    wire.s3 = answer
    sessions = Sessions("us-east-1")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read(sessions), range(16)))

    assert found == [b"{}"] * 16
    assert len(wire.to("sts")) == 2


def test_a_session_that_is_over_when_it_comes_is_a_passing_fault(wire: Wire) -> None:
    wire.sts = lambda sent: session(1, "2020-01-01T00:00:00Z")

    with pytest.raises(TransientError, match="the clock of this machine is wrong"):
        read(Sessions("us-east-1"))


def test_a_wrong_clock_is_a_passing_fault_that_is_named(wire: Wire) -> None:
    wire.answers = [
        s3_error(403, "RequestTimeTooSkewed", "The difference between the request time and the current time")
    ]

    with pytest.raises(TransientError, match="the clock of this machine is wrong"):
        read(Sessions("us-east-1"))


def redirected(code: str, status: int, header: bool = True, body: bool = False) -> Reply:
    headers = {"x-amz-bucket-region": "eu-west-1"} if header else {}
    return s3_error(status, code, "wrong region", headers, "<Region>eu-west-1</Region>" if body else "")


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(redirected("PermanentRedirect", 301), id="PermanentRedirect"),
        pytest.param(redirected("AuthorizationHeaderMalformed", 400, header=False, body=True), id="signed elsewhere"),
        pytest.param(redirected("IllegalLocationConstraintException", 400), id="opt-in region"),
    ],
)
def test_a_bucket_in_another_region_is_followed_once_and_remembered(wire: Wire, first: Reply) -> None:
    wire.answers = [first, whole(b"{}")]
    sessions = Sessions("us-east-1")

    assert read(sessions) == b"{}"
    read(sessions)

    hosts = [each.host for each in wire.to("s3")]
    assert hosts == ["payments-logs.s3.amazonaws.com"] + ["payments-logs.s3.eu-west-1.amazonaws.com"] * 2
    assert "/eu-west-1/s3/" in wire.to("s3")[1].headers["Authorization"]


def test_head_in_the_wrong_region_is_followed_although_it_has_no_body(wire: Wire) -> None:
    bare = (400, {"x-amz-bucket-region": "eu-west-1"}, b"")
    wire.answers = [bare, (200, {"ETag": '"e9"', "Content-Length": "5", "x-amz-version-id": "v1"}, b"")]

    found = head(Sessions("us-east-1"), ObjectRef("payments-logs", "AWSLogs/1.json.gz"), SOURCE)

    assert (found.version_id, found.etag, found.size_bytes) == ("v1", "e9", 5)


def test_a_refused_head_is_asked_again_by_get_for_the_reason(wire: Wire) -> None:
    said = f"{USER} kms:Decrypt on resource: {KEY} because no identity-based policy allows the kms:Decrypt action"
    wire.s3 = lambda sent: (403, {}, b"") if sent.method == "HEAD" else s3_error(403, "AccessDenied", said)

    with pytest.raises(AccessDenied, match="in the role's policy") as refused:
        head(Sessions("us-east-1"), REF, SOURCE)

    assert refused.value.service == "kms"
    assert wire.to("s3")[-1].headers["Range"] == "bytes=0-0"


def test_an_object_whose_head_alone_is_refused_is_known_by_its_first_byte(wire: Wire) -> None:
    found = {"Content-Range": "bytes 0-0/1234", "ETag": '"e9"', "Content-Length": "1", "x-amz-version-id": "v1"}
    wire.s3 = lambda sent: (403, {}, b"") if sent.method == "HEAD" else (206, found, b"x")

    ref = head(Sessions("us-east-1"), REF, SOURCE)

    assert (ref.version_id, ref.etag, ref.size_bytes) == ("v1", "e9", 1234)


def test_a_bucket_that_sends_us_on_for_ever_is_a_mistake_of_accounts_yml(wire: Wire) -> None:
    wire.answers = [redirected("PermanentRedirect", 301)]

    with pytest.raises(ConfigError, match="the bucket is in another region"):
        read(Sessions("us-east-1"))

    assert len(wire.to("s3")) == 2


USER = f"User: arn:aws:sts::{CUSTOMER}:assumed-role/reader/headwater is not authorized to perform:"
KEY = SOURCE.kms_key_arn
OBJECT = "arn:aws:s3:::payments-logs/AWSLogs/1"


@pytest.mark.parametrize(
    ("status", "code", "message", "service", "grant"),
    [
        pytest.param(
            403,
            "AccessDenied",
            f"{USER} kms:Decrypt on resource: {KEY} because no identity-based policy allows the kms:Decrypt action",
            "kms",
            f'in the role\'s policy: {{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "{KEY}"}}',
            id="role policy lacks the key",
        ),
        pytest.param(
            403,
            "AccessDenied",
            f"{USER} kms:Decrypt on resource: {KEY} because no resource-based policy allows the kms:Decrypt action",
            "kms",
            f'in the policy of key {KEY}: {{"Effect": "Allow", "Principal": {{"AWS": "{ROLE}"}}',
            id="key policy",
        ),
        pytest.param(
            400,
            "KMS.AccessDeniedException",
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
            "are not allowed to access.",
            "kms",
            f'"Resource": "{KEY}"}} in the role\'s policy, and in the policy of the key {{"Effect": "Allow"',
            id="a key of another account",
        ),
        pytest.param(
            403,
            "AccessDenied",
            f"{USER} kms:Decrypt on resource: {KEY} with an explicit deny in a resource-based policy",
            "kms",
            "a Deny of the key's policy applies",
            id="explicit deny of the key",
        ),
        pytest.param(
            403,
            "AccessDenied",
            f"{USER} kms:Decrypt on resource: {KEY} with an explicit deny in a service control policy",
            "kms",
            "the service control policy must allow kms:Decrypt",
            id="SCP",
        ),
        pytest.param(400, "KMS.DisabledException", f"{KEY} is disabled.", "kms", f"Enable {KEY}", id="disabled key"),
        pytest.param(
            400,
            "KMS.KMSInvalidStateException",
            f"{KEY} is pending deletion.",
            "kms",
            "Cancel it (aws kms cancel-key-deletion)",
            id="key pending deletion",
        ),
        pytest.param(400, "KMS.NotFoundException", f"Key '{KEY}' does not exist", "kms", "is gone", id="deleted key"),
        pytest.param(
            403,
            "AccessDenied",
            f"{USER} s3:GetObject on resource: {OBJECT} because no identity-based policy allows the s3:GetObject",
            "s3",
            'in the role\'s policy: {"Effect": "Allow", "Action": "s3:GetObject", "Resource": '
            '"arn:aws:s3:::payments-logs/AWSLogs/*"}',
            id="role policy lacks the bucket",
        ),
        pytest.param(
            403,
            "AccessDenied",
            f'{USER} s3:GetObject on resource: "{OBJECT}" with an explicit deny in a resource-based policy',
            "s3",
            "a Deny of the bucket's policy applies to s3:GetObject",
            id="bucket policy denies",
        ),
        pytest.param(
            403,
            "AccessDenied",
            f"{USER} s3:GetObject on resource: {OBJECT} because no VPC endpoint policy allows the s3:GetObject action",
            "s3",
            "the VPC endpoint policy must allow s3:GetObject",
            id="VPC endpoint policy",
        ),
        pytest.param(
            403,
            "AccessDenied",
            f"{USER} s3:GetObject on resource: {OBJECT} because no permissions boundary allows the s3:GetObject action",
            "s3",
            "the permissions boundary must allow s3:GetObject",
            id="permissions boundary",
        ),
        pytest.param(403, "AccessDenied", "Access Denied", "s3", "and for Requester Pays", id="across accounts"),
    ],
)
def test_a_refusal_tells_who_refused_and_what_to_grant(
    wire: Wire, status: int, code: str, message: str, service: str, grant: str
) -> None:
    wire.answers = [s3_error(status, code, message)]

    with pytest.raises(AccessDenied) as refused:
        read(Sessions("us-east-1"))

    assert refused.value.service == service
    assert grant in refused.value.statement


@pytest.mark.parametrize(
    ("code", "message", "grant"),
    [
        pytest.param(
            "AccessDenied",
            f"User: {WORKER} is not authorized to perform: sts:AssumeRole on resource: {ROLE}",
            f'in the trust policy of {ROLE}: {{"Effect": "Allow", "Principal": '
            '{"AWS": "arn:aws:iam::999988887777:role/headwater-worker"}',
            id="trust policy, ExternalId or no such role",
        ),
        pytest.param(
            "AccessDenied",
            f"User: {WORKER} is not authorized to perform: sts:AssumeRole on resource: {ROLE} because no "
            "identity-based policy allows the sts:AssumeRole action",
            f"in the policy of arn:aws:iam::999988887777:role/headwater-worker: "
            f'{{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "{ROLE}"}}',
            id="our own role may not",
        ),
        pytest.param(
            "RegionDisabledException",
            "STS is not activated in this region for account:111122223333. Your administrator can activate STS.",
            "activate STS for this region",
            id="region disabled",
        ),
    ],
)
def test_a_refused_role_is_told_apart_from_a_refused_bucket(wire: Wire, code: str, message: str, grant: str) -> None:
    wire.sts = lambda sent: sts_refusal(code, message)

    with pytest.raises(AccessDenied) as refused:
        read(Sessions("us-east-1"))

    assert refused.value.service == "sts"
    assert grant in refused.value.statement
    assert "example-external-id" not in str(refused.value)


def test_an_account_without_external_id_is_refused_before_anything_is_sent(wire: Wire) -> None:
    with pytest.raises(AccessDenied, match="has no ExternalId yet") as refused:
        read(Sessions("us-east-1"), replace(SOURCE, external_id=None))

    assert (refused.value.service, wire.sent) == ("sts", [])


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        pytest.param(
            400, "KMS.ThrottlingException", "You have exceeded the rate at which you may call KMS.", id="throttled"
        ),
        pytest.param(500, "KMS.KMSInternalException", "The request was rejected", id="internal"),
        pytest.param(503, "SlowDown", "Please reduce your request rate.", id="S3 throttled"),
    ],
)
def test_what_passes_is_no_refusal(wire: Wire, status: int, code: str, message: str) -> None:
    wire.answers = [s3_error(status, code, message)]

    with pytest.raises(TransientError, match=code):
        read(Sessions("us-east-1"))


def test_a_missing_key_that_s3_hides_is_missing_or_not_allowed(wire: Wire) -> None:
    hidden = f'{USER} s3:ListBucket on resource: "arn:aws:s3:::payments-logs" because no identity-based policy allows'
    wire.answers = [s3_error(403, "AccessDenied", hidden)]

    with pytest.raises(ObjectMissing, match="missing, or not allowed"):
        read(Sessions("us-east-1"))


@pytest.mark.parametrize(
    ("status", "code", "message", "reason"),
    [
        pytest.param(403, "InvalidObjectState", "The operation is not valid", "archived", id="Glacier"),
        pytest.param(
            400,
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided",
            "SSE-C",
            id="customer-provided key",
        ),
    ],
)
def test_an_object_that_nobody_can_read_is_no_refusal(
    wire: Wire, status: int, code: str, message: str, reason: str
) -> None:
    wire.answers = [s3_error(status, code, message)]

    with pytest.raises(ObjectError, match=reason):
        read(Sessions("us-east-1"))
