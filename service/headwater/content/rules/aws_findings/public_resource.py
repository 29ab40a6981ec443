"""A resource is open to everyone."""


def rule(event):
    return event.get("status") == "ACTIVE" and event.get("isPublic") is True and event.get("isDeleted") is not True


def title(event):
    return f"{event.get('resource', 'A resource')} is open to everyone: account {event.get('accountId')}"


def dedup(event):
    return str(event.get("resource"))


def alert_context(event):
    names = ("region", "resourceType", "resource", "action", "condition", "sources", "id")
    return {"account": event.get("accountId"), **{name: event.get(name) for name in names}}
