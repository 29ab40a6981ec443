"""A Kubernetes API server can be reached by every address."""

from headwater_aws import by_infrastructure_code, context, everyone, grouping, headline, items, request, succeeded


def rule(event):
    if event.get("eventName") != "UpdateClusterConfig" or event.get("eventSource") != "eks.amazonaws.com":
        return False
    return succeeded(event) and opens(event)


def opens(event):
    """Whether public access is on and no list of addresses limits it."""
    blocks = items(request(event, "resourcesVpcConfig", "publicAccessCidrs"))
    switched_on = request(event, "resourcesVpcConfig", "endpointPublicAccess") is True
    return any(map(everyone, blocks)) or (switched_on and not blocks)


def title(event):
    return headline(event, f"opened the endpoint of cluster {request(event, 'name')} to the internet")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "name"))


def alert_context(event):
    return context(event)
