"""A request that is an attack was answered with success."""

from headwater_alb import context, name
from headwater_web import attack, is_attack, is_log4shell


def rule(event):
    if event.get("elbStatusCode") != 200:
        return False
    return is_log4shell(event.get("userAgent")) or is_attack(event.get("requestUrl"))


def kind(event):
    return "JNDI lookup" if is_log4shell(event.get("userAgent")) else attack(event.get("requestUrl"))


def title(event):
    return f"Load balancer {name(event)} answers {kind(event)} of {event.get('clientIp')} with success"


def severity(event):
    return "HIGH" if kind(event) == "JNDI lookup" else "DEFAULT"


def dedup(event):
    return f"{event.get('elb')}:{event.get('clientIp')}:{kind(event)}"


def alert_context(event):
    return {**context(event), "attack": kind(event)}
