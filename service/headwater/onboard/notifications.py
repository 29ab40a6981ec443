"""A bucket has one notification configuration, and whoever writes it replaces it: look before mode `sns` writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from headwater.accounts.model import Account, SourceConfig
from headwater.onboard.sessions import Sessions, reason

OUR_ID = "headwater-"  # the module names its entries headwater-<source>
OUR_TOPIC = ":headwater-"
TARGETS = {
    "TopicConfigurations": "TopicArn",
    "QueueConfigurations": "QueueArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}


def problems(account: Account, sessions: Sessions) -> list[str]:
    """What stands in the way of the announcements of an account's buckets; each names its remedy.

    Raises: OnboardError where the deploy role cannot be assumed.
    """
    found: list[str] = []
    for bucket, source in sorted({source.bucket: source for source in account.sources}.items()):
        if source.notifications in ("sns", "eventbridge"):
            client = sessions.client(sessions.deploy(account, source.region), "s3", source.region)
            found += _bucket(client, bucket, source)
    return found


def _bucket(client: Any, bucket: str, source: SourceConfig) -> list[str]:
    try:
        existing = client.get_bucket_notification_configuration(Bucket=bucket)
    except (ClientError, BotoCoreError) as error:
        return [f"cannot read the notifications of bucket {bucket}: {reason(error)}"]
    if source.notifications == "eventbridge":
        return [] if "EventBridgeConfiguration" in existing else [NO_EVENTBRIDGE.format(bucket=bucket)]
    return [
        f"bucket {bucket} already notifies {target}, which mode sns would remove. In accounts.yml write {fix}"
        for target, fix in foreign(existing)
    ]


NO_EVENTBRIDGE = (
    "bucket {bucket} does not send its events to EventBridge. Switch that on in the bucket's properties "
    "(it removes nothing), or choose another mode"
)


def foreign(configuration: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a bucket notifies besides us, and the mode that leaves it in place."""
    for kind, key in TARGETS.items():
        for entry in configuration.get(kind, []):
            arn = str(entry[key])
            if kind == "TopicConfigurations" and (OUR_TOPIC in arn or str(entry.get("Id", "")).startswith(OUR_ID)):
                continue
            topic = kind == "TopicConfigurations"
            yield arn, f"notifications: existing_topic and topic_arn: {arn}" if topic else "notifications: eventbridge"
    if "EventBridgeConfiguration" in configuration:
        yield "EventBridge", "notifications: eventbridge"


def announce(client: Any, bucket: str, topics: Mapping[str, tuple[str, str]]) -> bool:
    """Let a bucket notify our topics and keep everything else that it notifies; whether that changed anything.

    topics: source name → (topic ARN, prefix); none: take our entries out again.
    Raises: botocore's ClientError where S3 refuses, e.g. because a foreign entry has an overlapping prefix.
    """
    before = client.get_bucket_notification_configuration(Bucket=bucket)
    before.pop("ResponseMetadata", None)
    kept = [each for each in before.get("TopicConfigurations", []) if not str(each.get("Id", "")).startswith(OUR_ID)]
    after = {**before, "TopicConfigurations": kept + [_entry(name, *topics[name]) for name in sorted(topics)]}
    if _essence(after) == _essence(before):
        return False
    client.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=after)
    return True


def _entry(source: str, topic_arn: str, prefix: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": f"{OUR_ID}{source}", "TopicArn": topic_arn, "Events": ["s3:ObjectCreated:*"]}
    rules = [{"Name": "prefix", "Value": prefix}] if prefix else []
    return entry | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {})


def _essence(configuration: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Id, topic and prefix of every topic entry: what S3 returns differs from what it was given in spelling."""
    return sorted(
        (
            str(entry.get("Id", "")),
            str(entry["TopicArn"]),
            "".join(str(rule["Value"]) for rule in entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])),
        )
        for entry in configuration.get("TopicConfigurations", [])
    )
