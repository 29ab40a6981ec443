"""A network of another account was connected."""

from headwater_aws import account, by_infrastructure_code, context, grouping, headline, request, succeeded


def rule(event):
    if event.get("eventName") != "AcceptVpcPeeringConnection" or not succeeded(event):
        return False
    return requester(event) not in ("", account(event))


def requester(event):
    """The account that asked for the connection."""
    keys = ("vpcPeeringConnection", "requesterVpcInfo", "ownerId")
    return str(event.deep_get("responseElements", *keys, default=""))


def title(event):
    return headline(event, f"accepted {request(event, 'vpcPeeringConnectionId')} from account {requester(event)}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, requester(event))


def alert_context(event):
    return {**context(event), "requester": requester(event)}
