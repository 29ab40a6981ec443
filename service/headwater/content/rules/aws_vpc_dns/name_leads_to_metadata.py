"""A DNS name was answered with the address of a service that gives credentials out."""

from headwater_network import answers, dns_client, dns_context, dns_name, is_under, parent_domain

# Source: EC2, ECS and EKS user guides: the instance metadata service, task roles, pod identities.
CREDENTIAL_SERVICES = ("169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23")


def rule(event):
    if event.get("query_type") not in ("A", "AAAA") or event.get("rcode") != "NOERROR":
        return False
    return any(answer in CREDENTIAL_SERVICES for answer in answers(event)) and not is_own_name(event)


def is_own_name(event):
    """Whether AWS itself gives that name to the service."""
    return is_under(event.get("query_name"), ("internal", "amazonaws.com"))


def title(event):
    return f"{dns_name(event)} leads {dns_client(event)} to a service that gives credentials out"


def dedup(event):
    return f"{event.get('account_id')}:{parent_domain(dns_name(event))}"


def alert_context(event):
    return dns_context(event)
