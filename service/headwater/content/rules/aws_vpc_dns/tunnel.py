"""A host asked for a long, random name; the threshold counts different ones below one domain."""

from headwater_network import AWS_SUFFIXES, dns_client, dns_context, dns_name, entropy_bits, is_under, parent_domain

LONG_LABEL = 45  # of the 63 characters that a label may have
LEAST_BITS = 3.2  # per character; words have less, hexadecimal digits 3.5 and more, Base32 4
OF_VALUES = ("carries_data",)  # see docs/prefilter.md
TYPES = ("A", "AAAA", "TXT", "CNAME", "MX", "NULL", "SRV")


def rule(event):
    return event.get("query_type") in TYPES and carries_data(event.get("query_name"))


def carries_data(name):
    """Whether a DNS name has a label that is long and random, and is not one of AWS's own."""
    if len(str(name)) <= LONG_LABEL or is_under(name, AWS_SUFFIXES):
        return False
    labels = str(name).lower().split(".")
    return any(len(label) >= LONG_LABEL and entropy_bits(label) >= LEAST_BITS for label in labels)


def title(event):
    return f"{dns_client(event)} may carry data out in names below {parent_domain(dns_name(event))}"


def dedup(event):
    return f"{event.get('account_id')}:{dns_client(event)}:{parent_domain(dns_name(event))}"


def unique(event):
    return dns_name(event)


def alert_context(event):
    return {**dns_context(event), "domain": parent_domain(dns_name(event))}
