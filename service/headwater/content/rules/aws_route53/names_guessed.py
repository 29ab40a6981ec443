"""A name of a hosted zone was asked for that does not exist; the threshold counts different names."""


def rule(event):
    return event.get("response_code") == "NXDOMAIN" and event.get("query_type") in ("A", "AAAA", "CNAME")


def title(event):
    return f"Names of hosted zone {event.get('hosted_zone_id')} are guessed through {event.get('resolver_ip')}"


def dedup(event):
    return f"{event.get('hosted_zone_id')}:{event.get('resolver_ip')}"


def unique(event):
    return str(event.get("query_name")).lower()


def alert_context(event):
    names = ("hosted_zone_id", "query_name", "edge_location", "edns_client_subnet")
    found = {name: event.get(name) for name in names}
    return {"account": event.get("p_account_id"), "source_ip": event.get("resolver_ip"), **found}
