"""A host inside sent very much to one server on the internet."""

from headwater_network import flow_context, host, to_internet

LARGE_BYTES = 1 << 30


def rule(event):
    if event.get("action") != "ACCEPT" or event.get("pktDstAwsService"):
        return False
    return (event.get("bytes") or 0) >= LARGE_BYTES and to_internet(event)


def title(event):
    gib = event.get("bytes") / (1 << 30)
    return f"{host(event)} sent {gib:.1f} GiB to {event.get('dstAddr')}: account {event.get('account', 'unknown')}"


def dedup(event):
    return f"{event.get('account')}:{event.get('srcAddr')}:{event.get('dstAddr')}"


def alert_context(event):
    return flow_context(event)
