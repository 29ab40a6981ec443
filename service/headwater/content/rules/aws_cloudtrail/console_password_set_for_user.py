"""A console password was set for someone else."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded

DEEDS = {"CreateLoginProfile": "gave a console password to", "UpdateLoginProfile": "changed the console password of"}
NAMES = tuple(DEEDS)


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    user = request(event, "userName")
    return bool(user) and user != event.deep_get("userIdentity", "userName")


def title(event):
    return headline(event, f"{DEEDS[event.get('eventName')]} {request(event, 'userName')}")


def severity(event):
    if by_infrastructure_code(event):
        return "LOW"
    return "HIGH" if request(event, "passwordResetRequired") is False else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "userName"))


def alert_context(event):
    return context(event)
