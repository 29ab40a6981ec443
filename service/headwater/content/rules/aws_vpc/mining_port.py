"""A host inside talks to a port of cryptocurrency pools; the threshold counts flow records."""

from headwater_network import flow_context, host, to_internet

# Ports that large pools document for Stratum. Source: their public getting-started pages.
PORTS = (3333, 3357, 5556, 7777, 8333, 9999, 10128, 10343, 14433, 14444, 18081, 20535, 20555, 45560, 45700)
LEAST_PACKETS = 5  # more than a handshake


def rule(event):
    if event.get("dstPort") not in PORTS or event.get("action") != "ACCEPT" or event.get("protocol") != 6:
        return False
    return (event.get("packets") or 0) >= LEAST_PACKETS and to_internet(event)


def title(event):
    return f"{host(event)} talks to {event.get('dstAddr')} on port {event.get('dstPort')}, which mining pools use"


def dedup(event):
    return f"{event.get('account')}:{event.get('srcAddr')}"


def alert_context(event):
    return flow_context(event)
