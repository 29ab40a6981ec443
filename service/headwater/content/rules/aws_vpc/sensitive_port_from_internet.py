"""A database or control port was reached from the internet."""

from headwater_network import flow_context, from_internet, host

SERVICES = {
    445: "SMB",
    1433: "SQL Server",
    1521: "Oracle",
    2375: "Docker",
    2379: "etcd",
    3306: "MySQL",
    5432: "PostgreSQL",
    5439: "Redshift",
    5985: "WinRM",
    6379: "Redis",
    9200: "OpenSearch",
    10250: "kubelet",
    11211: "memcached",
    27017: "MongoDB",
}
PORTS = tuple(SERVICES)


def rule(event):
    if event.get("dstPort") not in PORTS or event.get("action") != "ACCEPT" or event.get("protocol") != 6:
        return False
    return from_internet(event)


def title(event):
    account = event.get("account", "unknown account")
    return f"{SERVICES[event.get('dstPort')]} of {host(event)} in {account} is reached from the internet"


def dedup(event):
    return f"{event.get('interfaceId')}:{event.get('dstAddr')}:{event.get('dstPort')}"


def alert_context(event):
    return flow_context(event)
