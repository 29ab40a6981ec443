"""A file that holds secrets was given out."""

from headwater_alb import context, name, path
from headwater_web import is_secret_file


def rule(event):
    if event.get("elbStatusCode") not in (200, 206) or event.get("requestHttpMethod") != "GET":
        return False
    return is_secret_file(path(event))


def title(event):
    return f"Load balancer {name(event)} gave {path(event)} to {event.get('clientIp')}"


def dedup(event):
    return f"{event.get('elb')}:{path(event)}"


def alert_context(event):
    return context(event)
