"""A network was connected to the internet."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded


def rule(event):
    if event.get("eventName") != "AttachInternetGateway" or event.get("eventSource") != "ec2.amazonaws.com":
        return False
    return succeeded(event) and not by_infrastructure_code(event)


def target(event):
    return request(event, "vpcId", default="a network")


def title(event):
    return headline(event, f"attached an internet gateway to {target(event)}")


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
