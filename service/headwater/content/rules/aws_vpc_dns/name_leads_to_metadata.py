"""A DNS name was answered with the address of a service that gives credentials out."""

from collections.abc import Mapping

from headwater_network import dns_client, dns_context, dns_name, is_under, parent_domain

# Source: EC2, ECS and EKS user guides: the instance metadata service, task roles, pod identities.
CREDENTIAL_SERVICES = ("169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23")

OWN_NAMES = ("internal", "amazonaws.com")  # which AWS itself gives to the service
OF_VALUES = ("lead_to_credentials",)  # see docs/prefilter.md


def rule(event):
    if event.get("query_type") not in ("A", "AAAA") or event.get("rcode") != "NOERROR":
        return False
    return lead_to_credentials(event.get("answers")) and not is_under(event.get("query_name"), OWN_NAMES)


def lead_to_credentials(answers):
    """Whether one of a query's answers is the address of such a service."""
    return any(one.get("Rdata") in CREDENTIAL_SERVICES for one in answers or () if isinstance(one, Mapping))


def title(event):
    return f"{dns_name(event)} leads {dns_client(event)} to a service that gives credentials out"


def dedup(event):
    return f"{event.get('account_id')}:{parent_domain(dns_name(event))}"


def alert_context(event):
    return dns_context(event)
