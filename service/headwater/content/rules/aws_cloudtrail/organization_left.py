"""An account left its organization."""

from headwater_aws import context, grouping, headline, request, succeeded

NAMES = ("LeaveOrganization", "RemoveAccountFromOrganization")


def rule(event):
    return event.get("eventName") in NAMES and event.get("eventSource") == "organizations.amazonaws.com"


def title(event):
    member = request(event, "accountId", default="the account")
    deed = "took" if succeeded(event) else "tried to take"
    return headline(event, f"{deed} {member} out of its organization")


def severity(event):
    return "DEFAULT" if succeeded(event) else "MEDIUM"


def dedup(event):
    return grouping(event, request(event, "accountId", default="itself"))


def alert_context(event):
    return context(event)
