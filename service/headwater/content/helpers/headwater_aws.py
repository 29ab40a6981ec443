"""What AWS identities and network addresses in log rows mean."""

import ipaddress
from collections.abc import Mapping

# The last part of the host names that stand in sourceIPAddress when an AWS service makes the call for someone.
AWS_SERVICE_SUFFIX = ".amazonaws.com"

# RFC 1122, 1918, 3927, 6598, 5771 and 4193, 4291: addresses that no packet from the internet can bear.
INTERNAL = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
        "::/127",
        "fc00::/7",
        "fe80::/10",
        "ff00::/8",
    )
)


def actor(event):
    """The best name CloudTrail gives for who did it: user, role session, service, or account."""
    identity = event.get("userIdentity")
    if not isinstance(identity, Mapping):
        return "unknown identity"
    return (
        identity.get("userName")
        or identity.get("arn")
        or identity.get("invokedBy")
        or identity.get("principalId")
        or identity.get("accountId")
        or identity.get("type")
        or "unknown identity"
    )


def by_aws_service(event):
    """Whether an AWS service made the call on its own."""
    return event.deep_get("userIdentity", "type") == "AWSService" or bool(event.deep_get("userIdentity", "invokedBy"))


def succeeded(event):
    """Whether CloudTrail records the call without an error."""
    return not event.get("errorCode") and not event.get("errorMessage")


def where(event):
    """Account and region of a CloudTrail row."""
    return f"account {event.get('recipientAccountId', 'unknown')} in {event.get('awsRegion', 'unknown region')}"


def context(event):
    """The fields of a CloudTrail row that answer who, what, where and from where."""
    return {
        "actor": actor(event),
        "actor_arn": event.deep_get("userIdentity", "arn"),
        "account": event.get("recipientAccountId"),
        "region": event.get("awsRegion"),
        "event": f"{event.get('eventSource')}:{event.get('eventName')}",
        "source_ip": event.get("sourceIPAddress"),
        "user_agent": event.get("userAgent"),
        "request": event.get("requestParameters"),
    }


def role_session(arn):
    """Account, role and session of an assumed-role ARN; None for any other text."""
    head, _, tail = str(arn or "").partition(":assumed-role/")
    role, slash, session = tail.rpartition("/")
    if not head.startswith("arn:") or not slash:
        return None
    return {"account": head.rpartition("::")[2], "role": role, "session": session}


def is_public_ip(text):
    """Whether a text is an IP address from outside private, link-local and shared address space."""
    try:
        address = ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return not any(address in network for network in INTERNAL if network.version == address.version)


def everyone(cidr):
    """Whether a CIDR block holds every address."""
    return str(cidr or "").endswith("/0")


def items(value):
    """A list from what CloudTrail writes for one or many: {"items": [...]}, a list, one value, or nothing."""
    if isinstance(value, Mapping):
        value = value.get("items") or []
    if value is None or isinstance(value, str):
        return [value] if value else []
    return list(value)
