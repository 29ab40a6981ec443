"""What AWS identities and network addresses in log rows mean."""

import ipaddress
import re
from collections.abc import Mapping, Sequence

# The last part of the host names that stand in sourceIPAddress when an AWS service makes the call for someone.
AWS_SERVICE_SUFFIX = ".amazonaws.com"

SIGN_IN = "signin.amazonaws.com"
# What the pre-filter may ask of a value alone; see docs/prefilter.md.
OF_VALUES = ("has_role_of", "is_public_ip")
INSTANCE_ID = re.compile(r"i-[0-9a-f]{8,17}\Z")
# The path of roles that AWS services make for themselves in an account.
SERVICE_LINKED = ":role/aws-service-role/"
INFRASTRUCTURE_CODE = ("Terraform", "OpenTofu", "Pulumi", "cloudformation.amazonaws.com", "aws-cdk")
# Words in names of resources that keep or watch logs.
SECURITY_WORDS = ("audit", "cloudtrail", "trail", "guardduty", "securityhub", "security", "flowlog", "flow-log", "siem")

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


def actor_arn(event):
    """The ARN of who did it; the next best name where CloudTrail gives none."""
    return str(event.deep_get("userIdentity", "arn") or actor(event))


def principal(event):
    """The user or role behind the call: the same text for every session of a role."""
    return str(event.deep_get("userIdentity", "sessionContext", "sessionIssuer", "arn") or actor_arn(event))


def account(event):
    """The account that the row is about."""
    return str(event.get("recipientAccountId") or event.deep_get("userIdentity", "accountId") or "unknown")


def by_aws_service(event):
    """Whether an AWS service made the call: on its own, for someone, or through its service-linked role.

    Records of the console from before 2018 say that signin.amazonaws.com invoked it: that was a person.
    """
    if event.deep_get("userIdentity", "type") == "AWSService":
        return True
    if event.deep_get("userIdentity", "invokedBy", default=SIGN_IN) != SIGN_IN:
        return True
    return SERVICE_LINKED in str(event.deep_get("userIdentity", "sessionContext", "sessionIssuer", "arn"))


def by_infrastructure_code(event):
    """Whether CloudFormation made the call, or a client that calls itself an infrastructure-as-code tool.

    Anyone can name a client so: lower a severity by it, and leave out only what is harmless alone.
    """
    if event.deep_get("userIdentity", "invokedBy") == "cloudformation.amazonaws.com":
        return True
    agent = str(event.get("userAgent"))
    return any(name in agent for name in INFRASTRUCTURE_CODE)


def succeeded(event):
    """Whether CloudTrail records the call without an error."""
    return not event.get("errorCode") and not event.get("errorMessage")


def where(event):
    """Account and region of a CloudTrail row."""
    return f"account {event.get('recipientAccountId', 'unknown')} in {event.get('awsRegion', 'unknown region')}"


def headline(event, deed):
    """The title of a CloudTrail match: who did what where."""
    return f"{actor_arn(event)} {deed}: {where(event)}"


def grouping(event, *parts):
    """A dedup text: the account and what else a responder groups by."""
    return ":".join(map(str, (account(event), *parts)))


def request(event, *keys, default=None):
    """A value inside the request's parameters; the default also where they are null or text."""
    return event.deep_get("requestParameters", *keys, default=default)


def watches_security(name):
    """Whether the name of a resource says that it serves logging or security."""
    return any(word in str(name).lower() for word in SECURITY_WORDS)


def context(event):
    """The fields of a CloudTrail row that answer who, what, where and from where."""
    return {
        "actor": actor(event),
        "actor_arn": event.deep_get("userIdentity", "arn"),
        "access_key_id": event.deep_get("userIdentity", "accessKeyId"),
        "account": event.get("recipientAccountId"),
        "region": event.get("awsRegion"),
        "event": f"{event.get('eventSource')}:{event.get('eventName')}",
        "source_ip": event.get("sourceIPAddress"),
        "user_agent": event.get("userAgent"),
        "error_code": event.get("errorCode"),
        "event_id": event.get("eventID"),
        "request": event.get("requestParameters"),
    }


def role_session(arn):
    """Account, role and session of an assumed-role ARN; None for any other text."""
    head, _, tail = str(arn or "").partition(":assumed-role/")
    role, slash, session = tail.rpartition("/")
    if not head.startswith("arn:") or not slash:
        return None
    return {"account": head.rpartition("::")[2], "role": role, "session": session}


def has_role_of(arn, words):
    """Whether an assumed-role ARN is of a role with one of some words in its name; letter case does not count."""
    session = role_session(arn)
    return session is not None and any(word in session["role"].lower() for word in words)


def instance_id(event):
    """The EC2 instance whose role credentials made the call; "" for anyone else.

    Source: IAM user guide, "aws:userid": the session name of a role of an instance is the instance's id.
    """
    session = str(event.deep_get("userIdentity", "principalId")).rpartition(":")[2]
    return session if INSTANCE_ID.match(session) else ""


def account_of(arn):
    """The account id inside an ARN, or the text itself if it is one; "" for anything else."""
    text = str(arn)
    found = text if not text.startswith("arn:") else [*text.split(":"), "", "", "", ""][4]
    return found if len(found) == 12 and found.isdigit() else ""


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
        value = value.get("items")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return [value] if value else []


def mappings(value):
    """The mappings among `items`, or the one mapping that stands where a service writes a single one alone."""
    found = [value] if isinstance(value, Mapping) and "items" not in value else items(value)
    return [one for one in found if isinstance(one, Mapping)]
