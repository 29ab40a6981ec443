"""An instance's credentials look around from an address; the threshold makes two addresses an alert."""

from headwater_aws import context, grouping, instance_id, is_public_ip, where

# What people and tools call first with credentials that they found; programs on instances call these seldom.
NAMES = (
    "DescribeInstances",
    "DescribeRegions",
    "DescribeSecurityGroups",
    "GetAccountAuthorizationDetails",
    "GetAccountSummary",
    "GetCallerIdentity",
    "GetSendQuota",
    "ListAttachedRolePolicies",
    "ListBuckets",
    "ListFunctions20150331",
    "ListRoles",
    "ListSecrets",
    "ListUsers",
)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("vpcEndpointId"):
        return False
    if ":i-" not in (event.deep_get("userIdentity", "principalId") or ""):
        return False
    return bool(instance_id(event)) and is_public_ip(event.get("sourceIPAddress"))


def title(event):
    return f"Credentials of instance {instance_id(event)} are used from two addresses: {where(event)}"


def dedup(event):
    return grouping(event, instance_id(event))


def unique(event):
    return str(event.get("sourceIPAddress"))


def alert_context(event):
    return {**context(event), "instance": instance_id(event)}
