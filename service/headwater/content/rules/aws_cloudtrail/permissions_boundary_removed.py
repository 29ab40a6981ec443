"""The permissions boundary of an identity was removed."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded

NAMES = ("DeleteRolePermissionsBoundary", "DeleteUserPermissionsBoundary")


def rule(event):
    return event.get("eventName") in NAMES and succeeded(event)


def target(event):
    return request(event, "roleName") or request(event, "userName", default="an identity")


def title(event):
    return headline(event, f"removed the permissions boundary of {target(event)}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
