"""An MFA device was deactivated."""

from headwater_aws import context, grouping, headline, request, succeeded


def rule(event):
    return event.get("eventName") == "DeactivateMFADevice" and succeeded(event)


def owner(event):
    """Whose device it was."""
    return request(event, "userName") or event.deep_get("userIdentity", "userName") or "the root user"


def title(event):
    return headline(event, f"deactivated an MFA device of {owner(event)}")


def severity(event):
    if owner(event) == "the root user" or request(event, "serialNumber", default="").endswith(
        "root-account-mfa-device"
    ):
        return "CRITICAL"
    return "HIGH" if owner(event) != event.deep_get("userIdentity", "userName") else "DEFAULT"


def dedup(event):
    return grouping(event, owner(event))


def alert_context(event):
    return context(event)
