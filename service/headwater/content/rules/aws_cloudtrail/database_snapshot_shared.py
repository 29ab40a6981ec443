"""A database snapshot was shared outside its account."""

from headwater_aws import account, context, grouping, headline, items, request, succeeded

NAMES = ("ModifyDBClusterSnapshotAttribute", "ModifyDBSnapshotAttribute")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return request(event, "attributeName") == "restore" and bool(shared_with(event))


def shared_with(event):
    return [str(who) for who in items(request(event, "valuesToAdd")) if who != account(event)]


def snapshot(event):
    return request(event, "dBSnapshotIdentifier") or request(event, "dBClusterSnapshotIdentifier", default="a snapshot")


def title(event):
    return headline(event, f"shared database snapshot {snapshot(event)} with {', '.join(shared_with(event))}")


def severity(event):
    return "CRITICAL" if "all" in shared_with(event) else "DEFAULT"


def dedup(event):
    return grouping(event, snapshot(event))


def alert_context(event):
    return {**context(event), "shared_with": shared_with(event)}
