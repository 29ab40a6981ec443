"""Instance metadata may be read without a token."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded

NAMES = ("ModifyInstanceMetadataDefaults", "ModifyInstanceMetadataOptions")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return option(event, "HttpTokens") == "optional"


def option(event, name):
    """An option, which EC2 nests under a name of its own."""
    return request(event, f"{event.get('eventName')}Request", name)


def target(event):
    return option(event, "InstanceId") or f"new instances in {event.get('awsRegion')}"


def title(event):
    return headline(event, f"allowed metadata without token for {target(event)}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
