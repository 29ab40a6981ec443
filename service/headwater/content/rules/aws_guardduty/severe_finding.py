"""GuardDuty made a finding of high or critical severity."""

from headwater_guardduty import context, grouping, has_own_rule, is_archived, is_sample, resource, score

HIGH = 7.0  # Source: GuardDuty user guide, "Severity levels": high from 7.0, critical from 9.0
CRITICAL = 9.0


def rule(event):
    if not event.get("severity") or not event.get("type"):
        return False
    return score(event) >= HIGH and not has_own_rule(event) and not is_archived(event)


def title(event):
    return f"GuardDuty: {event.get('type')} on {resource(event)}: account {event.get('accountId')}"


def severity(event):
    if is_sample(event):
        return "INFO"
    return "CRITICAL" if score(event) >= CRITICAL else "DEFAULT"


def dedup(event):
    return grouping(event)


def alert_context(event):
    return context(event)
