"""A bucket was opened to everyone."""

from collections.abc import Mapping

from headwater_aws import actor, context, items, succeeded, where

PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
PUBLIC_GROUPS = (
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
)
GRANT_HEADERS = ("x-amz-grant-read", "x-amz-grant-write", "x-amz-grant-full-control", "x-amz-grant-read-acp")


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
    return "ACL" if acl_opens(event) else ""


def acl_opens(event):
    """Whether the canned ACL, a grant header or a grant of the body names everyone."""
    if any(acl in PUBLIC_ACLS for acl in items(event.deep_get("requestParameters", "x-amz-acl"))):
        return True
    headers = [text for name in GRANT_HEADERS for text in items(event.deep_get("requestParameters", name))]
    if any(group in str(text) for text in headers for group in PUBLIC_GROUPS):
        return True
    grants = event.deep_get("requestParameters", "AccessControlPolicy", "AccessControlList", "Grant")
    grants = [grants] if isinstance(grants, Mapping) else items(grants)
    return any(isinstance(grant, Mapping) and public_grantee(grant) for grant in grants)


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
