"""An identity was made an administrator."""

from headwater_aws import by_aws_service, by_infrastructure_code, context, grouping, headline, request, succeeded
from headwater_aws_policy import allows_everything

ATTACHES = ("AttachUserPolicy", "AttachGroupPolicy", "AttachRolePolicy")
WRITES = ("PutUserPolicy", "PutGroupPolicy", "PutRolePolicy")
NAMES = (*ATTACHES, *WRITES)
ADMIN_POLICIES = ("policy/AdministratorAccess", "policy/IAMFullAccess")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return makes_administrator(event) and (by_infrastructure_code(event) or not by_aws_service(event))


def makes_administrator(event):
    if event.get("eventName") in ATTACHES:
        return str(request(event, "policyArn")).endswith(ADMIN_POLICIES)
    return allows_everything(request(event, "policyDocument"))


def target(event):
    """The user, group or role that got the policy."""
    named = (request(event, key) for key in ("userName", "groupName", "roleName"))
    return next((name for name in named if name), "an identity")


def title(event):
    policy = request(event, "policyArn") or request(event, "policyName")
    return headline(event, f"made {target(event)} an administrator by {policy}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return {**context(event), "target": target(event)}
