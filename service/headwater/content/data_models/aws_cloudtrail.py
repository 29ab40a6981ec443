"""CloudTrail in the words of the unified data model."""

from headwater_aws import AWS_SERVICE_SUFFIX, actor

ADMIN_POLICIES = ("arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/IAMFullAccess")
POLICY_EVENTS = ("AttachUserPolicy", "AttachRolePolicy", "AttachGroupPolicy")


def actor_user(event):
    return actor(event)


def source_ip(event):
    """The caller's address; None where an AWS service's host name stands instead."""
    address = event.get("sourceIPAddress")
    return None if not address or address.endswith(AWS_SERVICE_SUFFIX) else address


def admin_policy(event):
    """The administrator policy that a call attaches, if it does."""
    if event.get("eventName") not in POLICY_EVENTS:
        return None
    arn = event.deep_get("requestParameters", "policyArn")
    return arn if arn in ADMIN_POLICIES else None


def event_type(event):
    """The kind of event that different log types have in common."""
    name = event.get("eventName")
    if name == "ConsoleLogin":
        succeeded = event.deep_get("responseElements", "ConsoleLogin") == "Success"
        return "successful_login" if succeeded else "failed_login"
    if name in ("CreateUser", "CreateAccount"):
        return "user_account_created"
    if name == "DeactivateMFADevice":
        return "mfa_disabled"
    return "admin_role_assigned" if admin_policy(event) else None


def mfa_used(event):
    """Whether a sign-in used a second factor; None for other calls, and where an identity provider saw to it."""
    said = event.deep_get("additionalEventData", "MFAUsed")
    federated = event.deep_get("userIdentity", "type") in (
        "AssumedRole",
        "FederatedUser",
        "SAMLUser",
        "WebIdentityUser",
    )
    return None if said is None or federated else said == "Yes"
