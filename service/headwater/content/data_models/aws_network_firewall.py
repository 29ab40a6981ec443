"""AWS Network Firewall in the words of the unified data model."""


def hostname(event):
    """The host name in the TLS handshake, the request or the query."""
    places = (("tls", "sni"), ("http", "hostname"), ("dns", "rrname"), ("sni",))
    found = (event.deep_get("event", *keys) for keys in places)
    return next((name for name in found if name), None)
