"""A managed policy was written that allows everything."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded
from headwater_aws_policy import allows_everything

NAMES = ("CreatePolicy", "CreatePolicyVersion")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "iam.amazonaws.com":
        return False
    return succeeded(event) and allows_everything(request(event, "policyDocument"))


def policy(event):
    return request(event, "policyArn") or request(event, "policyName", default="a policy")


def title(event):
    return headline(event, f"wrote {policy(event)}, which allows everything")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, policy(event))


def alert_context(event):
    return context(event)
