"""An account became the organization's administrator for a service, or ceased to be."""

from headwater_aws import context, grouping, headline, request, succeeded

NAMES = (
    "DeregisterDelegatedAdministrator",
    "DisableDelegatedAdminAccount",
    "DisableOrganizationAdminAccount",
    "EnableDelegatedAdminAccount",
    "EnableOrganizationAdminAccount",
    "RegisterDelegatedAdministrator",
)


def rule(event):
    return event.get("eventName") in NAMES and succeeded(event)


def member(event):
    keys = ("accountId", "adminAccountId", "delegatedAdminAccountId")
    return next((found for found in (request(event, key) for key in keys) if found), "an account")


def title(event):
    gained = event.get("eventName").startswith(("Enable", "Register"))
    service = request(event, "servicePrincipal") or event.get("eventSource")
    return headline(event, f"{'made' if gained else 'removed'} {member(event)} as administrator for {service}")


def dedup(event):
    return grouping(event, member(event))


def alert_context(event):
    return {**context(event), "member": member(event)}
