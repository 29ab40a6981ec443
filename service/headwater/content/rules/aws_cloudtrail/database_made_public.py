"""A database can be reached from the internet."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded

NAMES = (
    "CreateDBInstance",
    "ModifyDBInstance",
    "RestoreDBInstanceFromDBSnapshot",
    "RestoreDBInstanceToPointInTime",
)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "rds.amazonaws.com":
        return False
    return request(event, "publiclyAccessible") is True and succeeded(event)


def target(event):
    return request(event, "dBInstanceIdentifier") or request(event, "targetDBInstanceIdentifier", default="a database")


def title(event):
    return headline(event, f"made database {target(event)} reachable from the internet")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
