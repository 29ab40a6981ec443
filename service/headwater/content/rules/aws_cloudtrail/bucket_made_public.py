"""A bucket was opened to everyone."""

from collections.abc import Mapping

from headwater_aws import account, context, grouping, headline, items, mappings, request, succeeded
from headwater_aws_policy import EVERYONE, opened_to

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
        return "policy" if EVERYONE in opened_to(request(event, "bucketPolicy"), account(event)) else ""
    return "ACL" if acl_opens(event) else ""


def acl_opens(event):
    """Whether the canned ACL, a grant header or a grant of the body names everyone."""
    if any(acl in PUBLIC_ACLS for acl in items(request(event, "x-amz-acl"))):
        return True
    headers = [text for name in GRANT_HEADERS for text in items(request(event, name))]
    if any(group in str(text) for text in headers for group in PUBLIC_GROUPS):
        return True
    return any(map(public_grantee, mappings(request(event, "AccessControlPolicy", "AccessControlList", "Grant"))))


def public_grantee(grant):
    grantee = grant.get("Grantee")
    return isinstance(grantee, Mapping) and grantee.get("URI") in PUBLIC_GROUPS


def bucket(event):
    return request(event, "bucketName", default="of unknown name")


def title(event):
    return headline(event, f"opened bucket {bucket(event)} to everyone by {opened_by(event)}")


def dedup(event):
    return grouping(event, bucket(event))


def alert_context(event):
    return {**context(event), "opened_by": opened_by(event)}
