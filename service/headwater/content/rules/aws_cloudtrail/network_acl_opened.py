"""A network ACL lets the internet in."""

from headwater_aws import by_infrastructure_code, context, everyone, grouping, headline, request, succeeded

ADMIN_PORTS = (22, 3389, 5985, 5986)
NAMES = ("CreateNetworkAclEntry", "ReplaceNetworkAclEntry")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event) or by_infrastructure_code(event):
        return False
    return lets_everyone_in(event) and opens_administration(event)


def lets_everyone_in(event):
    block = request(event, "cidrBlock") or request(event, "ipv6CidrBlock")
    return request(event, "ruleAction") == "allow" and request(event, "egress") is not True and everyone(block)


def opens_administration(event):
    """Whether all traffic or an administrator's port is let in."""
    if str(request(event, "aclProtocol")) == "-1":
        return True
    first, last = request(event, "portRange", "from"), request(event, "portRange", "to")
    return isinstance(first, int) and isinstance(last, int) and any(first <= port <= last for port in ADMIN_PORTS)


def title(event):
    return headline(event, f"opened network ACL {request(event, 'networkAclId')} to the internet")


def dedup(event):
    return grouping(event, request(event, "networkAclId"))


def alert_context(event):
    return context(event)
