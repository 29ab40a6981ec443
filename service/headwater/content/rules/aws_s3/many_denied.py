"""A requester was refused; the threshold makes many of them one alert."""


def rule(event):
    if event.get("httpstatus") != 403 or event.get("errorcode") != "AccessDenied":
        return False
    return not event.get("requester", "").startswith("svc:")


def who(event):
    return event.get("requester") or f"anonymous from {event.get('remoteip', 'unknown address')}"


def title(event):
    return f"{who(event)} was refused many times by bucket {event.get('bucket', 'unknown')}"


def dedup(event):
    return who(event)


def alert_context(event):
    names = ("requester", "remoteip", "bucket", "key", "operation", "useragent")
    return {name: event.get(name) for name in names}
