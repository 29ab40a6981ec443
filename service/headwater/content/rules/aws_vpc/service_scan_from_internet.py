"""A public address was rejected on a port of a service; the threshold counts different ports."""

from headwater_network import flow_context, from_internet

PORTS = (
    21,
    22,
    111,
    135,
    389,
    1433,
    1521,
    2049,
    2375,
    2379,
    3306,
    3389,
    5432,
    5900,
    5985,
    6379,
    8080,
    9200,
    10250,
    11211,
    27017,
)


def rule(event):
    if event.get("action") != "REJECT" or event.get("dstPort") not in PORTS or event.get("protocol") != 6:
        return False
    return from_internet(event)


def title(event):
    return f"{event.get('srcAddr')} scans services of account {event.get('account', 'unknown')}"


def dedup(event):
    return f"{event.get('account')}:{event.get('srcAddr')}"


def unique(event):
    return str(event.get("dstPort"))


def alert_context(event):
    return flow_context(event)
