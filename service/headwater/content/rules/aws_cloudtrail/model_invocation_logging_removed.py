"""Prompts and answers of models are no longer logged."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, succeeded


def rule(event):
    if (
        event.get("eventName") != "DeleteModelInvocationLoggingConfiguration"
        or event.get("eventSource") != "bedrock.amazonaws.com"
    ):
        return False
    return succeeded(event)


def title(event):
    return headline(event, "removed the invocation logging of Bedrock")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, event.get("awsRegion"))


def alert_context(event):
    return context(event)
