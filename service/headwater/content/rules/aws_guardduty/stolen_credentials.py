"""GuardDuty found credentials of a resource in use elsewhere."""

from headwater_guardduty import STOLEN_CREDENTIALS, context, grouping, is_archived, is_sample, resource


def rule(event):
    return event.get("type") in STOLEN_CREDENTIALS and not is_archived(event)


def title(event):
    return f"Stolen credentials of {resource(event)} are used: account {event.get('accountId')}"


def severity(event):
    return "INFO" if is_sample(event) else "DEFAULT"


def dedup(event):
    return grouping(event)


def alert_context(event):
    return context(event)
