"""The account may send more e-mail than before."""

from headwater_aws import context, grouping, headline, request, succeeded

NAMES = ("PutAccountDetails", "PutAccountSendingAttributes", "UpdateAccountSendingEnabled")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "ses.amazonaws.com" or not succeeded(event):
        return False
    return True in (request(event, key) for key in ("enabled", "sendingEnabled", "productionAccessEnabled"))


def title(event):
    return headline(event, f"widened e-mail sending ({event.get('eventName')})")


def dedup(event):
    return grouping(event)


def alert_context(event):
    return context(event)
