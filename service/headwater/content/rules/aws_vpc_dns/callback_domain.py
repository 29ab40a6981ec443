"""A host asked for a name at which someone watches for callbacks."""

from headwater_network import dns_client, dns_context, dns_name, is_under, parent_domain

# Source: the documentation of Interactsh, Burp Suite, dnslog, Canarytokens and webhook inspectors.
CALLBACKS = frozenset(
    (
        "bxss.me",
        "burpcollaborator.net",
        "canarytokens.com",
        "ceye.io",
        "dnslog.cn",
        "dnslog.link",
        "dnslog.store",
        "interact.sh",
        "interactsh.com",
        "oast.fun",
        "oast.live",
        "oast.me",
        "oast.online",
        "oast.pro",
        "oast.site",
        "oastify.com",
        "requestbin.net",
        "tu4.org",
        "webhook.site",
    )
)


def rule(event):
    if event.get("query_type") not in ("A", "AAAA", "CNAME", "TXT", "HTTPS"):
        return False
    return is_under(event.get("query_name"), CALLBACKS)


def title(event):
    return f"{dns_client(event)} calls back to {parent_domain(dns_name(event))}: account {event.get('account_id')}"


def dedup(event):
    return f"{event.get('account_id')}:{dns_client(event)}:{parent_domain(dns_name(event))}"


def alert_context(event):
    return {**dns_context(event), "domain": parent_domain(dns_name(event))}
