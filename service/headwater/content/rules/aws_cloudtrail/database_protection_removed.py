"""A database can be lost, or was."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded

DELETES = ("DeleteDBCluster", "DeleteDBInstance")
NAMES = (*DELETES, "ModifyDBCluster", "ModifyDBInstance")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "rds.amazonaws.com":
        return False
    return succeeded(event) and bool(deed(event))


def deed(event):
    """What happened to the database; "" where nothing that counts."""
    if event.get("eventName") in DELETES:
        # Instances of a cluster have no snapshots of their own.
        member = event.deep_get("responseElements", "dBClusterIdentifier")
        return "deleted without a final snapshot" if request(event, "skipFinalSnapshot") is True and not member else ""
    if request(event, "deletionProtection") is False:
        return "removed the deletion protection of"
    return "ended the backups of" if request(event, "backupRetentionPeriod") == 0 else ""


def target(event):
    return request(event, "dBInstanceIdentifier") or request(event, "dBClusterIdentifier", default="a database")


def title(event):
    return headline(event, f"{deed(event)} {target(event)}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return {**context(event), "deed": deed(event)}
