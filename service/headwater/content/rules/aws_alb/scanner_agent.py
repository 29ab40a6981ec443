"""A vulnerability scanner asked a load balancer; the threshold makes many requests one alert."""

from headwater_alb import context, name
from headwater_web import is_scanner, scanner


def rule(event):
    if not event.get("userAgent") or not event.get("elbStatusCode"):
        return False
    return is_scanner(event.get("userAgent"))


def title(event):
    return f"{scanner(event.get('userAgent'))} from {event.get('clientIp')} scans load balancer {name(event)}"


def dedup(event):
    return f"{event.get('elb')}:{event.get('clientIp')}"


def alert_context(event):
    return {**context(event), "scanner": scanner(event.get("userAgent"))}
