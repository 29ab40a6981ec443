"""The script that an instance runs at boot was replaced."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded


def rule(event):
    if event.get("eventName") != "ModifyInstanceAttribute" or not succeeded(event):
        return False
    return request(event, "userData") is not None or request(event, "attribute") == "userData"


def title(event):
    return headline(event, f"changed the user data of {request(event, 'instanceId')}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "instanceId"))


def alert_context(event):
    return context(event)
