"""Where AWS reaches the owner of an account was changed."""

from headwater_aws import context, grouping, headline, succeeded

DEEDS = {
    "AcceptPrimaryEmailUpdate": "confirmed a new primary e-mail address",
    "StartPrimaryEmailUpdate": "began to change the primary e-mail address",
    "PutAlternateContact": "changed an alternate contact",
    "DeleteAlternateContact": "deleted an alternate contact",
    "PutContactInformation": "changed the contact information",
}
NAMES = tuple(DEEDS)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "account.amazonaws.com":
        return False
    return succeeded(event)


def title(event):
    return headline(event, f"{DEEDS[event.get('eventName')]}")


def severity(event):
    return "HIGH" if "PrimaryEmail" in event.get("eventName") else "DEFAULT"


def dedup(event):
    return grouping(event)


def alert_context(event):
    return context(event)
