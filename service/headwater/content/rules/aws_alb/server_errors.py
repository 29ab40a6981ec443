"""A load balancer answered with a server error; the threshold makes many of them one alert."""

from headwater_alb import context, name

ERRORS = (500, 502, 503, 504)


def rule(event):
    return event.get("elbStatusCode") in ERRORS


def title(event):
    return f"Load balancer {name(event)} answers with many server errors: account {event.get('p_account_id')}"


def dedup(event):
    return str(event.get("elb"))


def alert_context(event):
    return context(event)
