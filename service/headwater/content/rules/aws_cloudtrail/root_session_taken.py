"""Temporary credentials of root were issued."""

from headwater_aws import context, grouping, headline, request, succeeded

NAMES = ("AssumeRoot", "GetSessionToken")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "sts.amazonaws.com":
        return False
    if event.get("eventName") == "AssumeRoot":
        return True
    return event.deep_get("userIdentity", "type") == "Root" and succeeded(event)


def title(event):
    if event.get("eventName") == "GetSessionToken":
        return headline(event, "took a session of root")
    deed = "took" if succeeded(event) else "tried to take"
    return headline(event, f"{deed} a session of root of {request(event, 'targetPrincipal')}")


def severity(event):
    return "DEFAULT" if succeeded(event) else "MEDIUM"


def dedup(event):
    return grouping(event, event.get("eventName"), request(event, "targetPrincipal"))


def alert_context(event):
    return {**context(event), "task_policy": request(event, "taskPolicyArn", "arn") or request(event, "taskPolicyArn")}
