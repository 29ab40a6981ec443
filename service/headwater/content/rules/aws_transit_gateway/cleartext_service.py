"""A service without encryption was used across a transit gateway."""

from headwater_network import FIRST_CLIENT_PORT

TABLE = "headwater_ports"
LEAST_PACKETS = 5  # more than a handshake


def rule(event):
    if not event.get("p_enrichment") or event.get("protocol") not in (6, 17):
        return False
    if (event.get("srcPort") or 0) < FIRST_CLIENT_PORT or (event.get("packets") or 0) < LEAST_PACKETS:
        return False
    return service(event).get("encrypted") == "no"


def service(event):
    """The row of the destination's port; {} if the table does not know it."""
    return event.lookup(TABLE, "dstPort") or {}


def title(event):
    return f"{event.get('srcAddr')} uses {service(event).get('service')} of {event.get('dstAddr')} without encryption"


def dedup(event):
    return f"{event.get('dstAddr')}:{event.get('dstPort')}"


def alert_context(event):
    names = ("tgwId", "dstAddr", "dstPort", "packets", "bytes", "tgwSrcVpcId", "tgwDstVpcId")
    return {
        "account": event.get("accountId"),
        "source_ip": event.get("srcAddr"),
        "service": service(event).get("service"),
        "risk": service(event).get("risk"),
        **{name: event.get(name) for name in names},
    }
