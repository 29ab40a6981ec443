"""AWS put a user with an exposed key into quarantine, or somebody took the user out of it."""

from headwater_aws import context, grouping, headline, request, succeeded

NAMES = ("AttachUserPolicy", "DetachUserPolicy")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return ":policy/AWSCompromisedKeyQuarantine" in str(request(event, "policyArn"))


def title(event):
    deed = "put" if event.get("eventName") == "AttachUserPolicy" else "released"
    into = "into quarantine for an exposed access key" if deed == "put" else "from the quarantine for an exposed key"
    return headline(event, f"{deed} {request(event, 'userName')} {into}")


def severity(event):
    return "CRITICAL" if event.get("eventName") == "DetachUserPolicy" else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "userName"))


def alert_context(event):
    return context(event)
