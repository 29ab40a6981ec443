"""A bucket was opened to everyone."""

from collections.abc import Mapping

from headwater_aws import actor, context, items, succeeded, where

PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
PUBLIC_GROUPS = (
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
)


def rule(event):
    if event.get("eventName") not in ("PutBucketAcl", "PutBucketPolicy", "DeleteBucketPublicAccessBlock"):
        return False
    return succeeded(event) and bool(opened_by(event))


def opened_by(event):
    """What of the call opens the bucket; "" where nothing does."""
    if event.get("eventName") == "DeleteBucketPublicAccessBlock":
        return "removal of the public access block"
    if event.get("eventName") == "PutBucketPolicy":
        policy = event.deep_get("requestParameters", "bucketPolicy")
        return "policy" if isinstance(policy, Mapping) and any(map(for_everyone, statements(policy))) else ""
    canned = items(event.deep_get("requestParameters", "x-amz-acl"))
    grants = event.deep_get("requestParameters", "AccessControlPolicy", "AccessControlList", "Grant")
    grants = [grants] if isinstance(grants, Mapping) else items(grants)
    granted = any(isinstance(grant, Mapping) and public_grantee(grant) for grant in grants)
    return "ACL" if granted or any(acl in PUBLIC_ACLS for acl in canned) else ""


def statements(policy):
    found = policy.get("Statement")
    return [found] if isinstance(found, Mapping) else items(found)


def for_everyone(statement):
    """Whether a policy statement allows something to everyone on no condition."""
    if not isinstance(statement, Mapping) or statement.get("Effect") != "Allow" or statement.get("Condition"):
        return False
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        principal = principal.get("AWS")
    return "*" in items(principal)


def public_grantee(grant):
    grantee = grant.get("Grantee")
    return isinstance(grantee, Mapping) and grantee.get("URI") in PUBLIC_GROUPS


def title(event):
    bucket = event.deep_get("requestParameters", "bucketName", default="a bucket")
    return f"{actor(event)} opened bucket {bucket} to everyone by {opened_by(event)}: {where(event)}"


def dedup(event):
    return str(event.deep_get("requestParameters", "bucketName", default="unknown bucket"))


def alert_context(event):
    return {**context(event), "opened_by": opened_by(event)}
