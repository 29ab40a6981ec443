"""A host asked for a long, random name; the threshold counts different ones below one domain."""

from headwater_network import AWS_SUFFIXES, dns_client, dns_context, dns_name, entropy_bits, is_under, parent_domain

LONG_LABEL = 45  # of the 63 characters that a label may have
LEAST_BITS = 3.2  # per character; words have less, hexadecimal digits 3.5 and more, Base32 4
TYPES = ("A", "AAAA", "TXT", "CNAME", "MX", "NULL", "SRV")


def rule(event):
    if event.get("query_type") not in TYPES:
        return False
    name = str(event.get("query_name"))
    if len(name) <= LONG_LABEL or is_under(name, AWS_SUFFIXES):
        return False
    return any(len(label) >= LONG_LABEL and entropy_bits(label.lower()) >= LEAST_BITS for label in name.split("."))


def title(event):
    return f"{dns_client(event)} may carry data out in names below {parent_domain(dns_name(event))}"


def dedup(event):
    return f"{event.get('account_id')}:{dns_client(event)}:{parent_domain(dns_name(event))}"


def unique(event):
    return dns_name(event)


def alert_context(event):
    return {**dns_context(event), "domain": parent_domain(dns_name(event))}
