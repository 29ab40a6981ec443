"""A security group opened a sensitive port to the internet."""

from headwater_aws import context, everyone, grouping, headline, mappings, request, succeeded

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
    permissions = [*mappings(request(event, "ipPermissions")), short_form(event)]
    found = [ports(one) for one in permissions if to_everyone(one)]
    if "all" in found:
        return "all"
    return sorted({port for some in found for port in some})


def short_form(event):
    """The one permission of a call in the older form, which stands right in the request."""
    fields = {key: request(event, key) for key in ("ipProtocol", "fromPort", "toPort")}
    return {**fields, "ipRanges": {"cidrIp": request(event, "cidrIp")}}


def to_everyone(permission):
    ranges = [*mappings(permission.get("ipRanges")), *mappings(permission.get("ipv6Ranges"))]
    blocks = [one.get("cidrIp") or one.get("cidrIpv6") for one in ranges]
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
    group = request(event, "groupId", default="a security group")
    which = opened(event)
    text = "all ports" if which == "all" else "port " + ", ".join(map(str, which))
    return headline(event, f"opened {text} of {group} to the internet")


def dedup(event):
    return grouping(event, request(event, "groupId"))


def alert_context(event):
    return {**context(event), "opened_ports": opened(event)}
