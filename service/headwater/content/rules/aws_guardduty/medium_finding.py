"""GuardDuty made a finding of medium severity."""

from headwater_guardduty import context, grouping, has_own_rule, is_archived, is_sample, resource, score

MEDIUM = 4.0  # Source: GuardDuty user guide, "Severity levels": medium from 4.0 to 6.9
HIGH = 7.0


def rule(event):
    if not event.get("severity") or not event.get("type"):
        return False
    return MEDIUM <= score(event) < HIGH and not has_own_rule(event) and not is_archived(event)


def title(event):
    return f"GuardDuty: {event.get('type')} on {resource(event)}: account {event.get('accountId')}"


def severity(event):
    return "INFO" if is_sample(event) else "DEFAULT"


def dedup(event):
    return grouping(event)


def alert_context(event):
    return context(event)
