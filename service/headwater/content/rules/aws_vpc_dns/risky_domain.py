"""A host asked for a name that the table of risky domains knows."""

from headwater_aws import mappings
from headwater_network import dns_client, dns_context, dns_name

TABLE = "headwater_risky_domains"
GRAVER = ("tunnel", "anonymiser")


def rule(event):
    if not event.get("p_enrichment"):
        return False
    return bool(found(event))


def found(event):
    """The row of the name that was asked for; {} if the table does not know it. Names in answers do not count."""
    rows = mappings(event.lookup(TABLE, "p_any_domain_names"))
    return next((row for row in rows if row.get("p_match") == dns_name(event)), {})


def title(event):
    row = found(event)
    return (
        f"{dns_client(event)} looks up {row.get('service')} ({row.get('category')}): account {event.get('account_id')}"
    )


def severity(event):
    return "MEDIUM" if found(event).get("category") in GRAVER else "DEFAULT"


def dedup(event):
    return f"{event.get('account_id')}:{dns_client(event)}:{found(event).get('service')}"


def alert_context(event):
    row = found(event)
    return {**dns_context(event), "service": row.get("service"), "category": row.get("category")}
