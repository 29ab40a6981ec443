"""A Systems Manager document was shared outside its account."""

from headwater_aws import account, context, grouping, headline, items, request, succeeded


def rule(event):
    return event.get("eventName") == "ModifyDocumentPermission" and succeeded(event) and bool(shared_with(event))


def shared_with(event):
    return [str(who) for who in items(request(event, "accountIdsToAdd")) if who != account(event)]


def title(event):
    return headline(event, f"shared document {request(event, 'name')} with {', '.join(shared_with(event))}")


def severity(event):
    return "HIGH" if "all" in map(str.lower, shared_with(event)) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "name"))


def alert_context(event):
    return {**context(event), "shared_with": shared_with(event)}
