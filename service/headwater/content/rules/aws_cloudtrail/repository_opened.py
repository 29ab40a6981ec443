"""A container repository is open to outsiders."""

from headwater_aws import account, by_infrastructure_code, context, grouping, headline, request, succeeded
from headwater_aws_policy import EVERYONE, opened_to

NAMES = ("PutRegistryPolicy", "SetRepositoryPolicy")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "ecr.amazonaws.com":
        return False
    return succeeded(event) and bool(outsiders(event))


def outsiders(event):
    return opened_to(request(event, "policyText"), account(event))


def target(event):
    return request(event, "repositoryName", default="the registry")


def title(event):
    return headline(event, f"opened {target(event)} to {', '.join(outsiders(event))}")


def severity(event):
    if EVERYONE in outsiders(event):
        return "HIGH"
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return {**context(event), "outsiders": outsiders(event)}
