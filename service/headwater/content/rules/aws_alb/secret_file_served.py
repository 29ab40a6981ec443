"""A file that holds secrets was given out."""

from headwater_alb import context, name, path, serves_secret_file


def rule(event):
    if event.get("elbStatusCode") not in (200, 206) or event.get("requestHttpMethod") != "GET":
        return False
    return serves_secret_file(event.get("requestUrl"))


def title(event):
    return f"Load balancer {name(event)} gave {path(event.get('requestUrl'))} to {event.get('clientIp')}"


def dedup(event):
    return f"{event.get('elb')}:{path(event.get('requestUrl'))}"


def alert_context(event):
    return context(event)
