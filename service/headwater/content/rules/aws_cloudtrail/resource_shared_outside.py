"""A resource was shared with an account that may be outside the organization."""

from headwater_aws import account, account_of, context, grouping, headline, items, request, succeeded

NAMES = ("AssociateResourceShare", "CreateResourceShare")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "ram.amazonaws.com":
        return False
    return succeeded(event) and request(event, "allowExternalPrincipals") is not False and bool(outsiders(event))


def outsiders(event):
    """The accounts among the principals; units of the organization are no accounts."""
    named = [str(one) for one in items(request(event, "principals")) if ":organizations:" not in str(one)]
    return sorted({account_of(one) for one in named} - {"", account(event)})


def title(event):
    share = request(event, "name") or request(event, "resourceShareArn")
    return headline(event, f"shared {share} with {', '.join(outsiders(event))}")


def dedup(event):
    return grouping(event, *outsiders(event))


def alert_context(event):
    return {**context(event), "outsiders": outsiders(event)}
