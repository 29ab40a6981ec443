"""GuardDuty sees or reports less than before."""

from headwater_aws import context, grouping, headline, request, succeeded

DEEDS = {
    "CreateFilter": "hides GuardDuty findings by filter",
    "UpdateFilter": "hides GuardDuty findings by filter",
    "CreateIPSet": "made GuardDuty trust the addresses of",
    "UpdateIPSet": "made GuardDuty trust the addresses of",
    "DeleteMembers": "took members from GuardDuty",
    "DisassociateMembers": "took members from GuardDuty",
    "StopMonitoringMembers": "took members from GuardDuty",
    "DisassociateFromAdministratorAccount": "left the administrator of GuardDuty",
    "DisassociateFromMasterAccount": "left the administrator of GuardDuty",
    "DeletePublishingDestination": "stopped the export of GuardDuty findings",
}
NAMES = tuple(DEEDS)
FILTERS = ("CreateFilter", "UpdateFilter")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "guardduty.amazonaws.com":
        return False
    if not succeeded(event):
        return False
    return event.get("eventName") not in FILTERS or request(event, "action") == "ARCHIVE"


def title(event):
    what = request(event, "name") or request(event, "filterName") or request(event, "ipSetId", default="")
    return headline(event, f"{DEEDS[event.get('eventName')]} {what}".strip())


def dedup(event):
    return grouping(event, event.get("awsRegion"), event.get("eventName"))


def alert_context(event):
    return context(event)
