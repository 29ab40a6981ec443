"""A host asked for a text record; the threshold counts different names below one domain."""

from headwater_network import AWS_SUFFIXES, dns_client, dns_context, dns_name, is_under, parent_domain


def rule(event):
    if event.get("query_type") not in ("TXT", "NULL"):
        return False
    name = dns_name(event)
    # _dmarc, _domainkey, _acme-challenge: names that are meant to hold text (RFC 8552)
    if name == parent_domain(name) or any(label.startswith("_") for label in name.split(".")):
        return False
    return not is_under(name, AWS_SUFFIXES)


def title(event):
    return f"{dns_client(event)} reads many text records below {parent_domain(dns_name(event))}"


def dedup(event):
    return f"{event.get('account_id')}:{dns_client(event)}:{parent_domain(dns_name(event))}"


def unique(event):
    return dns_name(event)


def alert_context(event):
    return {**dns_context(event), "domain": parent_domain(dns_name(event))}
