"""A grant lets another account use a key."""

from headwater_aws import account, account_of, by_aws_service, context, grouping, headline, request, succeeded


def rule(event):
    if event.get("eventName") != "CreateGrant" or not succeeded(event) or by_aws_service(event):
        return False
    grantee = account_of(request(event, "granteePrincipal"))
    return bool(grantee) and grantee != account(event)


def title(event):
    return headline(event, f"let {request(event, 'granteePrincipal')} use {request(event, 'keyId')}")


def dedup(event):
    return grouping(event, account_of(request(event, "granteePrincipal")))


def alert_context(event):
    return context(event)
