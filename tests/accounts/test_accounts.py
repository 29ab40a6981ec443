"""accounts.yml → Accounts. The first file is right; every table then breaks one thing in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater.accounts import Accounts, load_accounts, parse_accounts
from headwater.accounts.describe import describe
from headwater.accounts.lock import LockedAccount, read_lock, write_lock
from headwater.accounts.model import Retention
from headwater.accounts.names import partition_of, role_name
from headwater.errors import ConfigError

GOOD = """\
version: 1
central:
  account_id: "999988887777"
  region: us-east-1
  organization_id: o-exampleorgid
  lake_bucket: headwater-lake
defaults:
  role_name: headwater-reader
accounts:
  - id: "111122223333"
    name: payments
    labels: {env: prod}
    sources:
      - name: cloudtrail
        bucket: payments-logs
        prefix: AWSLogs/
        notifications: none
        exclude: ["AWSLogs/*/CloudTrail-Digest/*"]
        log_types: [AWS.CloudTrail]
        kms_key_arn: arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
      - name: access
        bucket: payments-logs
        prefix: s3-access/
        notifications: existing_topic
        topic_arn: arn:aws:sns:us-east-1:111122223333:logs
  - id: "044455556666"
    name: shop
    role_arn: arn:aws:iam::044455556666:role/corp/security/log-read
    sources:
      - name: all
        bucket: shop-logs
"""
LOCK = {"111122223333": LockedAccount("generated-external-id", None, ("arn:aws:sns:us-east-1:111122223333:made",))}
KNOWN = ("AWS.CloudTrail", "AWS.VPCFlow", "AWS.ALB")


def parsed(text: str = GOOD) -> Accounts:
    return parse_accounts(text, "accounts.yml", LOCK, KNOWN)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    return [str(problem) for problem in caught.value.problems]


def test_defaults_are_filled_in_and_arns_built() -> None:
    accounts = parsed()

    payments, shop = accounts.accounts
    assert accounts.central.worker_role_arn == "arn:aws:iam::999988887777:role/headwater-worker"
    assert accounts.central.queue_arn == "arn:aws:sqs:us-east-1:999988887777:headwater-intake"
    assert payments.role_arn == "arn:aws:iam::111122223333:role/headwater-reader"
    assert payments.deploy_role_arn == "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole"
    assert [source.notifications for source in payments.sources] == ["none", "existing_topic"]
    assert shop.sources[0].notifications == "sns"
    assert shop.sources[0].region == "us-east-1"


def test_role_of_the_customers_own_keeps_its_path() -> None:
    shop = parsed().accounts[1]

    assert (shop.role_arn, shop.role_name) == ("arn:aws:iam::044455556666:role/corp/security/log-read", None)


def test_external_id_comes_from_the_lock_unless_the_file_says_one() -> None:
    own = GOOD.replace("    name: payments\n", "    name: payments\n    external_id: of-the-customer\n")

    assert [account.external_id for account in parsed().accounts] == ["generated-external-id", None]
    assert parsed(own).accounts[0].external_id == "of-the-customer"
    assert parsed().sources[0].external_id == "generated-external-id"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", None), ("silence_after: 90m", 5400), ("silence_after: 6h", 21_600), ("silence_after: never", 0)],
    ids=["by its history", "minutes", "hours", "never"],
)
def test_source_may_say_how_long_it_can_be_silent(text: str, seconds: int | None) -> None:
    made = parsed(GOOD.replace("bucket: shop-logs\n", f"bucket: shop-logs\n        {text}\n"))

    assert made.sources[-1].silence_after_s == seconds


def test_rows_may_be_kept_for_other_times_by_log_type_and_account() -> None:
    text = GOOD.replace("defaults:", "retention: {days: 400, log_types: {AWS.VPCFlow: 90}, matches: 1000}\ndefaults:")
    text = text.replace("    labels: {env: prod}", "    retention: {days: 30, rejects: 7}")

    accounts = parsed(text)

    assert accounts.retention == Retention(400, {"AWS.VPCFlow": 90}, matches=1000)
    assert [account.retention for account in accounts.accounts] == [Retention(30, rejects=7), Retention()]
    assert parsed().retention == Retention()


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        ("{days: 0}", "retention.days: Input should be greater than or equal to 1"),
        ("{days: 30d}", "retention.days: Input should be a valid integer"),
        ("{log_types: {AWS.VPCFlows: 3}}", "unknown log type 'AWS.VPCFlows' Fix: did you mean AWS.VPCFlow?"),
        ("{reject: 3}", "unknown key 'reject' Fix: did you mean rejects?"),
    ],
    ids=["no days", "no number", "unknown log type", "misspelt"],
)
@pytest.mark.parametrize("where", ["", "accounts[0]."], ids=["for all", "of an account"])
def test_mistakes_of_retention_are_named(retention: str, expected: str, where: str) -> None:
    everybody = GOOD.replace("defaults:", f"retention: {retention}\ndefaults:")
    one = GOOD.replace("    labels: {env: prod}", f"    retention: {retention}")

    (problem,) = problems(one if where else everybody)

    assert f"{where}retention" in problem
    assert expected in problem


def test_topics_of_lock_and_file_may_be_confirmed() -> None:
    assert parsed().topics == {"arn:aws:sns:us-east-1:111122223333:made", "arn:aws:sns:us-east-1:111122223333:logs"}


@pytest.mark.parametrize(
    ("bucket", "key", "source", "excluded"),
    [
        pytest.param("payments-logs", "AWSLogs/1/CloudTrail/x.gz", "111122223333/cloudtrail", False, id="first-prefix"),
        pytest.param("payments-logs", "s3-access/x", "111122223333/access", False, id="second-prefix"),
        pytest.param("payments-logs", "AWSLogs/1/CloudTrail-Digest/x", None, True, id="excluded"),
        pytest.param("payments-logs", "AWSLog", None, False, id="below-all-prefixes"),
        pytest.param("payments-logs", "AWSLogt", None, False, id="between-prefixes"),
        pytest.param("payments-logs", "zzz", None, False, id="above-all-prefixes"),
        pytest.param("shop-logs", "anything", "044455556666/all", False, id="empty-prefix"),
        pytest.param("unknown", "AWSLogs/x", None, False, id="unknown-bucket"),
    ],
)
def test_object_finds_its_source(bucket: str, key: str, source: str | None, excluded: bool) -> None:
    accounts = parsed()

    found = accounts.source_for(bucket, key)

    assert (found.source_id if found else None, accounts.excluded(bucket, key)) == (source, excluded)


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        pytest.param("bucket: shop", "buckt: shop", 31, "unknown key 'buckt' Fix: did you mean bucket?", id="typo"),
        pytest.param("    name: shop\n", "", 26, "'name' is missing", id="missing-key"),
        pytest.param('"044455556666"', "044455556666", 26, 'write "044455556666", with the quotes', id="leading-zero"),
        pytest.param('"044455556666"', '"4455"', 26, "'4455' is not an account id", id="short-id"),
        pytest.param("region: us-east-1", "region: us-east", 4, "'us-east' is not an AWS region", id="region"),
        pytest.param("bucket: shop-logs", "bucket: s3://shop-logs/", 31, "write the bare name", id="bucket-url"),
        pytest.param("bucket: shop-logs", "bucket: Shop_Logs", 31, "cannot be a bucket name", id="bucket-letters"),
        pytest.param("bucket: shop-logs", "bucket: 192.0.2.10", 31, "cannot be a bucket name", id="bucket-ip"),
        pytest.param("prefix: s3-access/", "prefix: /s3-access/", 23, "do not begin with a slash", id="prefix-slash"),
        pytest.param("prefix: s3-access/", "prefix: s3/*/x", 23, "no wildcards", id="prefix-wildcard"),
        pytest.param("prefix: s3-access/", "prefix: AWSLogs/x/", 23, "lies within 'AWSLogs/'", id="overlap"),
        pytest.param("prefix: s3-access/", 'prefix: ""', 16, "lies within ''", id="overlap-empty-prefix"),
        pytest.param("prefix: s3-access/", "prefix: AWSLogs/", 23, "lies within 'AWSLogs/'", id="same-prefix"),
        pytest.param(
            "bucket: shop-logs",
            "bucket: shop-logs\n        silence_after: 6 hours",
            32,
            "write 90m, 6h, 2d or 1w, or never",
            id="silence-words",
        ),
        pytest.param(
            "bucket: shop-logs", "bucket: shop-logs\n        silence_after: 5m", 32, "from 10m", id="silence-short"
        ),
        pytest.param("bucket: shop-logs", "bucket: headwater-lake", 31, "lake bucket", id="lake-as-source"),
        pytest.param(
            "name: access", "name: cloudtrail", 21, "source name 'cloudtrail' stands twice", id="source-twice"
        ),
        pytest.param("name: shop", "name: payments", 27, "account name 'payments' stands twice", id="name-twice"),
        pytest.param(
            "        topic_arn: arn:aws:sns:us-east-1:111122223333:logs\n", "", 24, "needs topic_arn", id="topic"
        ),
        pytest.param("sns:us-east-1", "sns:eu-west-1", 25, "the topic is in eu-west-1", id="topic-region"),
        pytest.param("333:logs", "333:logs.fifo", 25, "FIFO topic", id="topic-fifo"),
        pytest.param(
            "notifications: existing_topic", "notifications: sns", 25, "topic_arn is not used", id="topic-unused"
        ),
        pytest.param("notifications: existing_topic", "notifications: sqs", 24, "'sqs' is not one of", id="mode"),
        pytest.param("notifications: none", "notifications: sns", 17, "sns would replace", id="mixed-modes"),
        pytest.param("kms:us-east-1", "kms:eu-west-1", 20, "the key is in eu-west-1", id="key-region"),
        pytest.param("key/1234abcd", "alias/logs", 20, "an alias cannot be granted", id="key-alias"),
        pytest.param("iam::0444", "iam::1444", 28, "the role belongs to account 144455556666", id="role-account"),
        pytest.param("role/corp", "user/corp", 28, "is not the ARN of an IAM role", id="not-a-role"),
        pytest.param("arn:aws:iam::0", "arn:aws-cn:iam::0", 28, "partition aws-cn", id="partition-of-arn"),
        pytest.param(
            "bucket: shop-logs", "bucket: b12\n        region: us-gov-west-1", 32, "aws-us-gov", id="partition"
        ),
        pytest.param("[AWS.CloudTrail]", "[AWS.Cloudtrial]", 19, "did you mean AWS.CloudTrail?", id="log-type"),
        pytest.param("labels: {env: prod}", "labels: {env: 1}", 12, 'put it in quotes: "1"', id="label-number"),
        pytest.param("labels: {env: prod}", "labels: prod", 12, "must be a mapping", id="not-a-mapping"),
        pytest.param("role_name: headwater-reader", "role_name: a/b", 8, "cannot be a role name", id="role-name"),
        pytest.param("labels:", "external_id: a b\n    labels:", 12, "cannot be an ExternalId", id="external-id"),
        pytest.param("labels:", f"external_id: {'x' * 1225}\n    labels:", 12, "2 to 1224", id="external-id-length"),
        pytest.param("o-exampleorgid", "example", 5, "is not an organisation id", id="organisation"),
        pytest.param("version: 1", "version: 2", 1, "2 is not one of 1", id="version"),
    ],
)
def test_mistake_is_named_with_its_line(old: str, new: str, line: int, expected: str) -> None:
    assert old in GOOD

    found = problems(GOOD.replace(old, new, 1))

    assert len(found) == 1
    assert found[0].startswith(f"accounts.yml:{line}:")
    assert expected in found[0]


def test_every_mistake_shows_in_one_run() -> None:
    text = GOOD.replace("us-east-1\n  organ", "us-est-1\n  organ").replace("[AWS.CloudTrail]", "[CloudTrail]")
    text = text.replace("shop-logs", "UPPER").replace("name: access", "nmae: access")

    found = problems(text)

    assert [line.split(":")[1] for line in found] == ["4", "21", "31", "19"]


def test_empty_file_is_a_config_error() -> None:
    assert problems("") == ["accounts.yml: the file must be a mapping of keys to values"]


LOOP = """\
      - {name: a, bucket: bucket-a, access_logs_bucket: bucket-b}
      - {name: b, bucket: bucket-b, access_logs_bucket: bucket-a}
"""
SELF_LOOP = "      - {name: a, bucket: bucket-a, access_logs_bucket: bucket-a}\n"
CHAIN = "      - {name: a, bucket: bucket-a, access_logs_bucket: bucket-b}\n      - {name: b, bucket: bucket-b}\n"


@pytest.mark.parametrize(
    ("text", "cycle"),
    [
        pytest.param(GOOD + LOOP, "bucket-a → bucket-b → bucket-a", id="two-sources"),
        pytest.param(GOOD + SELF_LOOP, "bucket-a → bucket-a", id="itself"),
        pytest.param(
            GOOD.replace("lake_bucket: headwater-lake", "lake_bucket: lake\n  lake_access_logs_bucket: shop-logs"),
            "lake → shop-logs → lake",
            id="lake-into-source",
        ),
    ],
)
def test_endless_loop_of_access_logs_is_refused(text: str, cycle: str) -> None:
    found = problems(text)

    assert len(found) == 1
    assert cycle in found[0]


def test_chain_of_access_logs_is_no_loop() -> None:
    assert len(parsed(GOOD + CHAIN).sources) == 5


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        pytest.param("us-gov-west-1", "aws-us-gov", id="govcloud"),
        pytest.param("cn-northwest-1", "aws-cn", id="china"),
        pytest.param("us-isob-east-1", "aws-iso-b", id="iso-b"),
        pytest.param("eusc-de-east-1", "aws-eusc", id="european-sovereign-cloud"),
        pytest.param("ap-southeast-7", "aws", id="commercial"),
    ],
)
def test_other_partitions_reach_every_arn(region: str, partition: str) -> None:
    text = f"""\
version: 1
central: {{account_id: "999988887777", region: {region}, lake_bucket: lake}}
accounts: [{{id: "111122223333", name: a, sources: [{{name: s, bucket: logs}}]}}]
"""

    accounts = parsed(text)

    assert partition_of(region) == partition
    assert accounts.accounts[0].role_arn == f"arn:{partition}:iam::111122223333:role/headwater-reader"
    assert accounts.central.queue_arn.startswith(f"arn:{partition}:sqs:{region}:")


def test_long_role_name_is_cut_the_same_way_every_time_and_stays_unique() -> None:
    parts = ("log-integration-production", "a-very-long-customer-name-that-goes-on-and-on-for-ever-gmbh", "reader-role")

    name, again, other = role_name(*parts), role_name(*parts), role_name(*parts[:2], "writer-role")

    assert len(name) == 64
    assert name == again == "log-integration-production-a-very-long-customer-name-th" + name[-9:]
    assert other != name
    assert role_name("short", "", "name") == "short-name"


def test_description_fills_in_and_masks() -> None:
    text = json.dumps(describe(parsed()), ensure_ascii=False)

    assert "generated-external-id" not in text
    assert "gene… (21 characters)" in text
    assert "arn:aws:iam::111122223333:role/headwater-reader" in text


def test_lock_written_is_the_lock_read(tmp_path: Path) -> None:
    path = tmp_path / "accounts.lock.json"

    write_lock(path, LOCK)

    assert read_lock(path) == LOCK
    assert list(tmp_path.iterdir()) == [path]


def test_lock_beside_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "accounts.yml").write_text(GOOD)
    write_lock(tmp_path / "accounts.lock.json", LOCK)

    accounts = load_accounts(tmp_path / "accounts.yml")

    assert accounts.accounts[0].external_id == "generated-external-id"


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2, "accounts": {}}', '{"version": 1, "accounts": {"1": {}}}'])
def test_broken_lock_is_a_config_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.lock.json"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"accounts\.lock\.json.*not a lock file"):
        read_lock(path)


def test_missing_file_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file Fix: write one"):
        load_accounts(tmp_path / "accounts.yml")
