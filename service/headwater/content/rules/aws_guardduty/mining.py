"""GuardDuty found cryptocurrency mining."""

from headwater_guardduty import MINING, context, grouping, is_archived, is_sample, resource


def rule(event):
    return event.get("type") in MINING and not is_archived(event)


def title(event):
    return f"{resource(event)} mines cryptocurrency: account {event.get('accountId')}"


def severity(event):
    return "INFO" if is_sample(event) else "DEFAULT"


def dedup(event):
    return grouping(event)


def alert_context(event):
    return context(event)
