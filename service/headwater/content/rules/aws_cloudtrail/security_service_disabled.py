"""A security service was switched off."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, succeeded

CALLS = (
    "access-analyzer.amazonaws.com:DeleteAnalyzer",
    "detective.amazonaws.com:DeleteGraph",
    "detective.amazonaws.com:DisassociateMembership",
    "inspector2.amazonaws.com:Disable",
    "macie2.amazonaws.com:DisableMacie",
    "macie2.amazonaws.com:DisassociateFromAdministratorAccount",
    "securityhub.amazonaws.com:BatchDisableStandards",
    "securityhub.amazonaws.com:DisableSecurityHub",
    "securityhub.amazonaws.com:DisassociateFromAdministratorAccount",
)
NAMES = tuple(call.rpartition(":")[2] for call in CALLS)


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return f"{event.get('eventSource')}:{event.get('eventName')}" in CALLS


def title(event):
    service = str(event.get("eventSource")).removesuffix(".amazonaws.com")
    return headline(event, f"switched off {service} ({event.get('eventName')})")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, event.get("eventSource"))


def alert_context(event):
    return context(event)
