"""The authenticator of EKS in the words of the unified data model."""

import ipaddress


def actor_user(event):
    """The IAM identity, else the Kubernetes user it became."""
    return event.get("arn") or event.get("username")


def source_ip(event):
    """The client's address; None for the API server on the same host, which asks for everyone."""
    text = str(event.get("client")).rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if address.is_loopback else str(address)


def source_port(event):
    text = str(event.get("client")).rpartition(":")[2]
    return int(text) if text.isdecimal() else None


def event_type(event):
    """The kind of event that different log types have in common."""
    if event.get("msg") == "access granted":
        return "successful_login"
    return "failed_login" if event.get("msg") == "access denied" else None
