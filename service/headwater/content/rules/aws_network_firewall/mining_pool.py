"""A connection names a host of a cryptocurrency pool."""

from headwater_aws import mappings

TABLE = "headwater_mining_domains"


def rule(event):
    if not event.get("p_enrichment"):
        return False
    return bool(pools(event))


def pools(event):
    """The names of the pools whose hosts the connection names."""
    return [str(row.get("pool")) for row in mappings(event.lookup(TABLE, "p_any_domain_names"))]


def title(event):
    source = event.deep_get("event", "src_ip", default="A host")
    return (
        f"{source} connects to {', '.join(pools(event))}, a cryptocurrency pool: firewall {event.get('firewall_name')}"
    )


def dedup(event):
    return f"{event.get('firewall_name')}:{event.deep_get('event', 'src_ip')}"


def alert_context(event):
    names = ("dest_ip", "dest_port", "src_port", "proto", "tls", "http", "dns", "flow_id")
    return {
        "account": event.get("p_account_id"),
        "source_ip": event.deep_get("event", "src_ip"),
        "pools": pools(event),
        **{name: event.deep_get("event", name) for name in names},
    }
