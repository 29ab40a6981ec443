"""Root's password or e-mail address changes hands."""

from headwater_aws import context, grouping, headline, succeeded

DEEDS = {
    "PasswordRecoveryRequested": "asked for a new password",
    "PasswordRecoveryCompleted": "recovered the password",
    "PasswordUpdated": "changed the password",
    "EmailUpdated": "changed the e-mail address",
}
NAMES = tuple(DEEDS)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "signin.amazonaws.com":
        return False
    return succeeded(event) and event.deep_get("userIdentity", "type") == "Root"


def title(event):
    return headline(event, f"{DEEDS[event.get('eventName')]}")


def severity(event):
    return "MEDIUM" if event.get("eventName") == "PasswordRecoveryRequested" else "DEFAULT"


def dedup(event):
    return grouping(event)


def alert_context(event):
    return context(event)
