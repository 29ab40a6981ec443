"""A host asked for a name that does not exist; the threshold counts different domains."""

from headwater_network import AWS_SUFFIXES, dns_client, dns_context, dns_name, is_under, parent_domain

LOCAL = (*AWS_SUFFIXES, "local", "lan", "home", "svc.cluster.local", "localdomain")


def rule(event):
    if event.get("rcode") != "NXDOMAIN" or event.get("query_type") not in ("A", "AAAA"):
        return False
    return "." in dns_name(event) and not is_under(event.get("query_name"), LOCAL)


def title(event):
    return f"{dns_client(event)} looks up many domains that do not exist: account {event.get('account_id')}"


def dedup(event):
    return f"{event.get('account_id')}:{dns_client(event)}"


def unique(event):
    return parent_domain(dns_name(event))


def alert_context(event):
    return dns_context(event)
