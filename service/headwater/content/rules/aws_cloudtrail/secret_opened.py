"""A secret is open to outsiders."""

from headwater_aws import account, by_infrastructure_code, context, grouping, headline, request, succeeded
from headwater_aws_policy import EVERYONE, opened_to


def rule(event):
    if event.get("eventName") != "PutResourcePolicy" or event.get("eventSource") != "secretsmanager.amazonaws.com":
        return False
    return succeeded(event) and bool(outsiders(event))


def outsiders(event):
    return opened_to(request(event, "resourcePolicy"), account(event))


def title(event):
    return headline(event, f"opened secret {request(event, 'secretId')} to {', '.join(outsiders(event))}")


def severity(event):
    if EVERYONE in outsiders(event):
        return "HIGH"
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "secretId"))


def alert_context(event):
    return {**context(event), "outsiders": outsiders(event)}
