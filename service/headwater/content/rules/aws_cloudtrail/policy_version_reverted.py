"""An older version of a managed policy came back into force."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded


def rule(event):
    return (
        event.get("eventName") == "SetDefaultPolicyVersion" and succeeded(event) and not by_infrastructure_code(event)
    )


def title(event):
    return headline(event, f"put version {request(event, 'versionId')} of {request(event, 'policyArn')} in force")


def dedup(event):
    return grouping(event, request(event, "policyArn"))


def alert_context(event):
    return context(event)
