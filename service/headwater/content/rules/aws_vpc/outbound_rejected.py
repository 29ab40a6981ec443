"""A host inside was rejected on the way to the internet; the threshold counts different servers."""

from headwater_network import flow_context, host, to_internet


def rule(event):
    if event.get("action") != "REJECT" or event.get("protocol") != 6:
        return False
    return to_internet(event)


def title(event):
    return f"{host(event)} tries many servers on the internet in vain: account {event.get('account', 'unknown')}"


def dedup(event):
    return f"{event.get('account')}:{event.get('srcAddr')}"


def unique(event):
    return str(event.get("dstAddr"))


def alert_context(event):
    return flow_context(event)
