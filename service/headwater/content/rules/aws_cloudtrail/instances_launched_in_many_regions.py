"""Instances were launched; the threshold makes many regions one alert."""

from headwater_aws import by_aws_service, by_infrastructure_code, context, grouping, headline, principal


def rule(event):
    if event.get("eventName") != "RunInstances":
        return False
    return not by_aws_service(event) and not by_infrastructure_code(event)


def title(event):
    return headline(event, "launches instances in many regions")


def dedup(event):
    return grouping(event, principal(event))


def unique(event):
    return str(event.get("awsRegion"))


def alert_context(event):
    return context(event)
