"""A key policy lets outsiders in."""

from headwater_aws import account, by_infrastructure_code, context, grouping, headline, request, succeeded
from headwater_aws_policy import EVERYONE, opened_to

NAMES = ("CreateKey", "PutKeyPolicy")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "kms.amazonaws.com":
        return False
    return succeeded(event) and bool(outsiders(event))


def outsiders(event):
    return opened_to(request(event, "policy"), account(event))


def key(event):
    made = event.deep_get("responseElements", "keyMetadata", "arn")
    return made or request(event, "keyId", default="a KMS key")


def title(event):
    return headline(event, f"opened {key(event)} to {', '.join(outsiders(event))}")


def severity(event):
    if EVERYONE in outsiders(event):
        return "CRITICAL"
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, key(event))


def alert_context(event):
    return {**context(event), "outsiders": outsiders(event)}
