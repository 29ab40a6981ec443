"""SSH or RDP from a public address was accepted."""

from headwater_aws import is_public_ip
from headwater_network import flow_context

SERVICES = {22: "SSH", 3389: "RDP"}


def rule(event):
    if event.get("action") != "ACCEPT" or event.get("dstPort") not in (22, 3389) or event.get("protocol") != 6:
        return False
    return event.get("flowDirection") != "egress" and is_public_ip(event.get("srcAddr"))


def title(event):
    account = event.get("account", "unknown account")
    return f"{SERVICES[event.get('dstPort')]} from the internet accepted by {event.get('dstAddr')} in {account}"


def dedup(event):
    return f"{event.get('interfaceId')}:{event.get('dstAddr')}:{event.get('dstPort')}"


def unique(event):
    return str(event.get("srcAddr"))


def alert_context(event):
    return flow_context(event)
