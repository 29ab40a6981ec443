"""Backups were deleted by someone."""

from headwater_aws import by_aws_service, context, grouping, headline, request, succeeded

DEEDS = {
    "DeleteRecoveryPoint": "deleted a recovery point of",
    "DeleteBackupVault": "deleted backup vault",
    "DeleteBackupVaultLockConfiguration": "took the lock from backup vault",
    "DeleteBackupPlan": "deleted backup plan",
}
NAMES = tuple(DEEDS)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "backup.amazonaws.com":
        return False
    return succeeded(event) and not by_aws_service(event)


def target(event):
    return request(event, "backupVaultName") or request(event, "backupPlanId", default="unknown")


def title(event):
    return headline(event, f"{DEEDS[event.get('eventName')]} {target(event)}")


def severity(event):
    return "DEFAULT" if event.get("eventName") == "DeleteBackupPlan" else "HIGH"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
