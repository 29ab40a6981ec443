"""A function runs code of another account."""

from headwater_aws import account, account_of, context, grouping, headline, items, request, succeeded

NAMES = ("CreateFunction20150331", "UpdateFunctionConfiguration20150331v2")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return bool(foreign_layers(event))


def foreign_layers(event):
    return [
        layer for layer in map(str, items(request(event, "layers"))) if account_of(layer) not in ("", account(event))
    ]


def title(event):
    return headline(event, f"set function {request(event, 'functionName')} to run {', '.join(foreign_layers(event))}")


def dedup(event):
    return grouping(event, *sorted(set(map(account_of, foreign_layers(event)))))


def alert_context(event):
    return {**context(event), "foreign_layers": foreign_layers(event)}
