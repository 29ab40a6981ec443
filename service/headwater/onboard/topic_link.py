"""The way bucket → topic → subscription → queue, looked at step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from headwater.accounts.model import SourceConfig
from headwater.onboard.eyes import AGAIN, Eyes, Need, key_check, look, policy_check, queue_checks
from headwater.onboard.verify import Check

EVERY_WAY = {"s3:ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload"}  # how AWS's services write logs


def topic_link(topic_arn: str, sources: Sequence[SourceConfig], eyes: Eyes) -> Iterator[Check]:
    """What announces the sources' objects to the topic, and whether the topic's messages reach the queue."""
    trails = {bucket: _trail(topic_arn, bucket, eyes) for bucket in {source.bucket for source in sources}}
    for source in sources:
        yield look(f"notification {source.name}", partial(_notified, topic_arn, source, eyes, trails))
    for bucket, trail_arn in sorted(trails.items()):
        yield from _topic(topic_arn, bucket, trail_arn, eyes)
    name = topic_arn.rpartition(":")[2]
    yield look(f"subscription {name}", lambda: _subscribed(f"subscription {name}", topic_arn, eyes))
    region = topic_arn.split(":")[3]
    services = ("sns.amazonaws.com", f"sns.{region}.amazonaws.com")  # the second in regions that one opts in to
    yield from queue_checks(name, eyes, services, topic_arn)


def _trail(topic_arn: str, bucket: str, eyes: Eyes) -> str | None:
    """The trail that announces its own objects to the topic, where one does."""
    found: list[str] = []

    def trails() -> Check:
        listed = eyes.customer("cloudtrail", topic_arn.split(":")[3]).describe_trails()["trailList"]
        found.extend(
            str(trail["TrailARN"])
            for trail in listed
            if trail.get("S3BucketName") == bucket and trail.get("SnsTopicARN") == topic_arn
        )
        return Check("trails", True)

    look("trails", trails)
    return found[0] if found else None


def _notified(topic_arn: str, source: SourceConfig, eyes: Eyes, trails: Mapping[str, str | None]) -> Check:
    name = f"notification {source.name}"
    if trails[source.bucket]:
        return Check(name, True, f"the trail {trails[source.bucket]} announces its objects")
    existing = eyes.customer("s3", source.region).get_bucket_notification_configuration(Bucket=source.bucket)
    entries = [each for each in existing.get("TopicConfigurations", []) if each["TopicArn"] == topic_arn]
    if any(_covers(entry, source.prefix) for entry in entries):
        return Check(name, True, f"{source.bucket} announces {source.prefix}* to {topic_arn}")
    what = f"announces other objects than {source.prefix}* alone" if entries else "announces nothing"
    fix = AGAIN
    if source.notifications == "existing_topic":
        fix = f"let the bucket notify the topic of s3:ObjectCreated:* below {source.prefix or 'no prefix'}"
    return Check(name, False, f"bucket {source.bucket} {what} to {topic_arn}", fix)


def _covers(entry: Mapping[str, Any], prefix: str) -> bool:
    """Whether a notification speaks of every new object below a prefix."""
    events = set(entry.get("Events", []))
    rules = {
        rule["Name"].lower(): rule["Value"] for rule in entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    }
    whole = "s3:ObjectCreated:*" in events or events >= EVERY_WAY
    return whole and not rules.get("suffix") and prefix.startswith(rules.get("prefix", ""))


def _topic(topic_arn: str, bucket: str, trail_arn: str | None, eyes: Eyes) -> Iterator[Check]:
    """Whether the topic, and its key, take what the bucket or its trail publishes."""
    _, partition, _, region, _, name = topic_arn.split(":", 5)
    service = "cloudtrail.amazonaws.com" if trail_arn else "s3.amazonaws.com"
    source_arn = trail_arn or f"arn:{partition}:s3:::{bucket}"
    label, organization_id = f"topic {name} from {bucket}", eyes.central.organization_id
    found: dict[str, str] = {}

    def topic() -> Check:
        found.update(eyes.customer("sns", region).get_topic_attributes(TopicArn=topic_arn)["Attributes"])
        need = Need((service,), ("sns:Publish",), topic_arn, source_arn, eyes.account.id)
        return policy_check(label, f"the topic {name}", found.get("Policy"), need, organization_id)

    yield look(label, topic)
    key_id = found.get("KmsMasterKeyId")
    if key_id:
        need = Need((service,), ("kms:Decrypt", "kms:GenerateDataKey"), "*", source_arn, eyes.account.id)
        yield look(
            f"{label}: key", lambda: key_check(f"{label}: key", eyes.customer("kms", region), key_id, need, None)
        )


def _subscribed(name: str, topic_arn: str, eyes: Eyes) -> Check:
    sns, queue_arn = eyes.customer("sns", topic_arn.split(":")[3]), eyes.central.queue_arn
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    ours = [
        each["SubscriptionArn"] for page in pages for each in page["Subscriptions"] if each["Endpoint"] == queue_arn
    ]
    if not ours:
        return Check(name, False, f"{queue_arn} is not subscribed to {topic_arn}", AGAIN)
    attributes = _attributes(ours[0], topic_arn.split(":")[3], eyes)
    if ours[0] == "PendingConfirmation" or attributes.get("PendingConfirmation") == "true":
        fix = "start the worker, which confirms it; an old one must be made again: run `headwater onboard apply`"
        return Check(name, False, "the subscription waits for its confirmation", fix)
    if attributes.get("FilterPolicy") not in (None, "", "{}"):
        fix = "remove the subscription's filter policy: Headwater leaves out by itself what no source names"
        return Check(name, False, "a filter policy holds messages back", fix)
    how = "raw" if attributes.get("RawMessageDelivery") == "true" else "in SNS's envelope"
    return Check(name, True, f"confirmed, delivers {how}" if attributes else "there")


def _attributes(subscription_arn: str, region: str, eyes: Eyes) -> Mapping[str, str]:
    """Of a subscription, as its topic's owner or its own may see them; none where neither may, or it is pending."""
    found: dict[str, str] = {}

    def ask(client: Callable[[str, str], Any]) -> Check:
        answer = client("sns", region).get_subscription_attributes(SubscriptionArn=subscription_arn)
        found.update(answer["Attributes"])
        return Check("attributes", True)

    for client in (eyes.customer, eyes.hub):
        if not found and subscription_arn != "PendingConfirmation":  # AWS gives no ARN before
            look("attributes", partial(ask, client))
    return found
