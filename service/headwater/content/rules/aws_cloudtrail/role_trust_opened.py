"""A role was made so that outsiders can assume it."""

from headwater_aws import account, by_infrastructure_code, context, grouping, headline, request, succeeded
from headwater_aws_policy import opened_to

NAMES = ("CreateRole", "UpdateAssumeRolePolicy")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "iam.amazonaws.com":
        return False
    return succeeded(event) and bool(outsiders(event))


def outsiders(event):
    """Whom the new trust policy lets in from outside."""
    policy = request(event, "assumeRolePolicyDocument") or request(event, "policyDocument")
    return opened_to(policy, account(event))


def title(event):
    return headline(event, f"let {', '.join(outsiders(event))} assume role {request(event, 'roleName')}")


def severity(event):
    if not all(one.isdigit() for one in outsiders(event)):
        return "CRITICAL"
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "roleName"))


def alert_context(event):
    return {**context(event), "outsiders": outsiders(event)}
