"""CloudWatch alarms were deleted or silenced by someone."""

from headwater_aws import (
    by_aws_service,
    by_infrastructure_code,
    context,
    grouping,
    headline,
    items,
    principal,
    request,
    succeeded,
    watches_security,
)

NAMES = ("DeleteAlarms", "DisableAlarmActions")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return not by_aws_service(event) and not by_infrastructure_code(event)


def alarms(event):
    return [str(name) for name in items(request(event, "alarmNames"))]


def title(event):
    deed = "deleted" if event.get("eventName") == "DeleteAlarms" else "silenced"
    return headline(event, f"{deed} alarms {', '.join(alarms(event)[:5])}")


def severity(event):
    return "HIGH" if any(map(watches_security, alarms(event))) else "DEFAULT"


def dedup(event):
    return grouping(event, principal(event))


def alert_context(event):
    return {**context(event), "alarms": alarms(event)}
