"""The master password of a database was reset."""

from headwater_aws import by_aws_service, by_infrastructure_code, context, grouping, headline, request, succeeded

NAMES = ("ModifyDBCluster", "ModifyDBInstance")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "rds.amazonaws.com":
        return False
    if not request(event, "masterUserPassword") or not succeeded(event):
        return False
    return not by_aws_service(event) and not by_infrastructure_code(event)


def target(event):
    return request(event, "dBInstanceIdentifier") or request(event, "dBClusterIdentifier", default="a database")


def title(event):
    return headline(event, f"reset the master password of {target(event)}")


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
