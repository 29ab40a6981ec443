"""User data of an instance was read; the threshold makes many instances one alert."""

from headwater_aws import by_aws_service, by_infrastructure_code, context, grouping, headline, principal, request

CALL = "DescribeInstanceAttribute"


def rule(event):
    if event.get("eventName") != CALL or request(event, "attribute") != "userData":
        return False
    return not by_aws_service(event) and not by_infrastructure_code(event)


def title(event):
    return headline(event, "reads the user data of many instances")


def dedup(event):
    return grouping(event, principal(event))


def unique(event):
    return str(request(event, "instanceId"))


def alert_context(event):
    return context(event)
