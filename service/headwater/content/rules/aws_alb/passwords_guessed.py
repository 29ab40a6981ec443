"""A sign-in was refused; the threshold makes many of one client an alert."""

from headwater_alb import context, name


def rule(event):
    return event.get("elbStatusCode") == 401 and event.get("requestHttpMethod") == "POST"


def title(event):
    return f"{event.get('clientIp')} guesses passwords at load balancer {name(event)}"


def dedup(event):
    return f"{event.get('elb')}:{event.get('clientIp')}"


def alert_context(event):
    return context(event)
