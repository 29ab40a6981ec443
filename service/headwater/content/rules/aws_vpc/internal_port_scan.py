"""A host inside was rejected; the threshold counts different addresses and ports."""

from headwater_network import FIRST_CLIENT_PORT, FIRST_EPHEMERAL_PORT, flow_context, is_internal_ip


def rule(event):
    if event.get("action") != "REJECT" or event.get("protocol") not in (6, 17):
        return False
    if (event.get("srcPort") or 0) < FIRST_CLIENT_PORT or (event.get("dstPort") or 0) >= FIRST_EPHEMERAL_PORT:
        return False
    return is_internal_ip(event.get("srcAddr")) and is_internal_ip(event.get("dstAddr"))


def title(event):
    return f"{event.get('srcAddr')} scans hosts inside: account {event.get('account', 'unknown')}"


def dedup(event):
    return f"{event.get('account')}:{event.get('srcAddr')}"


def unique(event):
    return f"{event.get('dstAddr')}:{event.get('dstPort')}"


def alert_context(event):
    return flow_context(event)
