"""A security group opened a sensitive port to the internet."""

from collections.abc import Mapping

from headwater_aws import actor, context, everyone, items, succeeded, where

# FTP, SSH, Telnet, RPC, SMB, SQL Server, Oracle, MySQL, RDP, PostgreSQL, Redshift, VNC, WinRM, Redis, Elasticsearch,
# Memcached, MongoDB.
SENSITIVE_PORTS = (
    *(21, 22, 23, 135, 445, 1433, 1521, 3306, 3389, 5432, 5439, 5900, 5985, 5986, 6379, 9200, 11211, 27017),
)
WITH_PORTS = ("tcp", "udp", "6", "17")


def rule(event):
    if event.get("eventName") != "AuthorizeSecurityGroupIngress":
        return False
    return succeeded(event) and bool(opened(event))


def opened(event):
    """The sensitive ports that the call opens to everyone, or "all"."""
    permissions = items(event.deep_get("requestParameters", "ipPermissions"))
    found = [ports(one) for one in permissions if isinstance(one, Mapping) and to_everyone(one)]
    if "all" in found:
        return "all"
    return sorted({port for some in found for port in some})


def to_everyone(permission):
    ranges = [*items(permission.get("ipRanges")), *items(permission.get("ipv6Ranges"))]
    blocks = [one.get("cidrIp") or one.get("cidrIpv6") for one in ranges if isinstance(one, Mapping)]
    return any(map(everyone, blocks))


def ports(permission):
    protocol = str(permission.get("ipProtocol"))
    if protocol == "-1":
        return "all"
    first, last = permission.get("fromPort"), permission.get("toPort")
    if protocol not in WITH_PORTS or not isinstance(first, int) or not isinstance(last, int):
        return ()
    return [port for port in SENSITIVE_PORTS if first <= port <= last]


def title(event):
    group = event.deep_get("requestParameters", "groupId", default="a security group")
    which = opened(event)
    text = "all ports" if which == "all" else "port " + ", ".join(map(str, which))
    return f"{actor(event)} opened {text} of {group} to the internet: {where(event)}"


def dedup(event):
    return f"{event.get('recipientAccountId')}:{event.deep_get('requestParameters', 'groupId')}"


def alert_context(event):
    return {**context(event), "opened_ports": opened(event)}
