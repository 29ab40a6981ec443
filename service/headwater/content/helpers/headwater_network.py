"""What flows and DNS names mean."""

import ipaddress
import math
from collections import Counter

from headwater_aws import is_public_ip

# What the pre-filter may ask of a value alone; see docs/prefilter.md.
OF_VALUES = ("is_internal_ip", "is_under")
TCP = 6
UDP = 17
# Ports below belong to servers: a row whose source port is one of them is the answer to a client.
FIRST_CLIENT_PORT = 1024
FIRST_EPHEMERAL_PORT = 32768  # Linux, net.ipv4.ip_local_port_range

# Suffixes under which two labels are one registry: the common ones of the public suffix list.
SECOND_LEVEL = frozenset(("ac", "co", "com", "edu", "gov", "net", "or", "org"))
# Names that AWS itself makes long, random or internal.
AWS_SUFFIXES = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "aws.dev",
    "cloudfront.net",
    "awsglobalaccelerator.com",
    "on.aws",
    "api.aws",
    "internal",
    "in-addr.arpa",
    "ip6.arpa",
)


def is_internal_ip(text):
    """Whether a text is an address that is not the internet's."""
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return not is_public_ip(text)


def from_internet(event):
    """Whether a VPC flow row is of a client on the internet that calls a server of ours."""
    if event.get("flowDirection") == "egress" or (event.get("srcPort") or FIRST_CLIENT_PORT) < FIRST_CLIENT_PORT:
        return False
    return is_public_ip(event.get("srcAddr")) and is_internal_ip(event.get("dstAddr"))


def to_internet(event):
    """Whether a VPC flow row is of a client of ours that calls a server on the internet."""
    if event.get("flowDirection") == "ingress" or (event.get("srcPort") or FIRST_CLIENT_PORT) < FIRST_CLIENT_PORT:
        return False
    return is_internal_ip(event.get("srcAddr")) and is_public_ip(event.get("dstAddr"))


def flow_context(event):
    """The fields of a VPC flow row that answer which host talked to which, and how much."""
    names = ("account", "region", "vpcId", "interfaceId", "instanceId", "dstAddr", "dstPort", "srcPort", "protocol")
    numbers = ("action", "packets", "bytes", "pktSrcAddr", "pktDstAddr", "pktDstAwsService")
    return {"source_ip": event.get("srcAddr"), **{name: event.get(name) for name in (*names, *numbers)}}


def host(event):
    """The instance, else the interface, of a VPC flow row."""
    return event.get("instanceId") or event.get("interfaceId") or "unknown interface"


def dns_name(event):
    """The name a DNS row asks for: lower case, no dot at the end."""
    return str(event.get("query_name") or "").lower().rstrip(".")


def dns_client(event):
    """The instance that asked, else its address."""
    return event.deep_get("srcids", "instance") or event.get("srcaddr") or "unknown host"


def dns_context(event):
    """The fields of a resolver query row that answer who asked for what and got which answer."""
    names = ("region", "vpc_id", "query_name", "query_type", "rcode", "answers", "srcids", "firewall_rule_action")
    return {
        "account": event.get("account_id"),
        "source_ip": event.get("srcaddr"),
        "instance_id": event.deep_get("srcids", "instance"),
        **{name: event.get(name) for name in names},
    }


def answers(event):
    """The texts a DNS query was answered with."""
    found = event.deep_walk("answers", "Rdata")
    return found if isinstance(found, list) else [found]


def parent_domain(name):
    """The part of a DNS name that somebody registered: example.com of a.b.example.com."""
    labels = str(name).lower().rstrip(".").split(".")
    deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVEL
    return ".".join(labels[-3 if deep else -2 :])


def is_under(name, domains):
    """Whether a DNS name is one of some domains or below one."""
    labels = str(name).lower().rstrip(".").split(".")
    return any(".".join(labels[start:]) in domains for start, _ in enumerate(labels))


def entropy_bits(text):
    """Shannon's entropy per character: about 4.0 for hexadecimal digits, 2.5 to 3.3 for words."""
    counts = Counter(text).values()
    total = len(text)
    return -sum(count / total * math.log2(count / total) for count in counts)
