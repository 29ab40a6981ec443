"""A rule of DNS Firewall blocked a query or raised an alert on it."""

from headwater_network import dns_client, dns_context, dns_name, parent_domain

VERBS = {"BLOCK": "was kept from", "ALERT": "was seen looking up"}


def rule(event):
    return event.get("firewall_rule_action") in ("BLOCK", "ALERT")


def title(event):
    return f"{dns_client(event)} {VERBS[event.get('firewall_rule_action')]} {dns_name(event)} by DNS Firewall"


def severity(event):
    return "LOW" if event.get("firewall_rule_action") == "BLOCK" else "DEFAULT"


def dedup(event):
    return f"{event.get('account_id')}:{dns_client(event)}:{parent_domain(dns_name(event))}"


def alert_context(event):
    names = ("firewall_rule_group_id", "firewall_domain_list_id", "firewall_protection")
    return {**dns_context(event), **{name: event.get(name) for name in names}}
