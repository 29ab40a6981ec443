"""A host asked for the name of a cryptocurrency pool."""

from headwater_network import dns_client, dns_context, dns_name, is_under, parent_domain

POOLS = frozenset(
    (
        "2miners.com",
        "antpool.com",
        "c3pool.com",
        "c3pool.org",
        "cryptonight-hub.com",
        "dwarfpool.com",
        "ethermine.org",
        "f2pool.com",
        "flypool.org",
        "gulf.moneroocean.stream",
        "hashvault.pro",
        "herominers.com",
        "hiveon.net",
        "kryptex.network",
        "minergate.com",
        "minexmr.com",
        "moneroocean.stream",
        "nanopool.org",
        "nicehash.com",
        "p2pool.io",
        "poolin.com",
        "rplant.xyz",
        "skypool.org",
        "slushpool.com",
        "supportxmr.com",
        "unmineable.com",
        "viabtc.com",
        "woolypooly.com",
        "xmrpool.eu",
        "zpool.ca",
    )
)


def rule(event):
    if event.get("query_type") not in ("A", "AAAA", "CNAME", "HTTPS"):
        return False
    return is_under(event.get("query_name"), POOLS)


def title(event):
    return f"{dns_client(event)} looks up {dns_name(event)}, a cryptocurrency pool: account {event.get('account_id')}"


def dedup(event):
    return f"{event.get('account_id')}:{dns_client(event)}:{parent_domain(dns_name(event))}"


def alert_context(event):
    return {**dns_context(event), "pool": parent_domain(dns_name(event))}
