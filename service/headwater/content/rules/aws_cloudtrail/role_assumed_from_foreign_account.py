"""Someone from another account assumed a role here."""

from headwater_aws import account, by_aws_service, context, grouping, request, succeeded, where


def rule(event):
    if event.get("eventName") != "AssumeRole" or event.get("eventSource") != "sts.amazonaws.com":
        return False
    return foreign(event) and succeeded(event) and not by_aws_service(event)


def foreign(event):
    """Whether the caller's and the role's account differ from each other, and the row is the role's account's."""
    caller = event.deep_get("userIdentity", "accountId", default=account(event))
    return caller != account(event) and f"::{account(event)}:role/" in str(request(event, "roleArn"))


def title(event):
    caller = event.deep_get("userIdentity", "accountId")
    return f"Account {caller} assumed {request(event, 'roleArn')}: {where(event)}"


def dedup(event):
    return grouping(event, event.deep_get("userIdentity", "accountId"), request(event, "roleArn"))


def alert_context(event):
    return {**context(event), "external_id": request(event, "externalId")}
