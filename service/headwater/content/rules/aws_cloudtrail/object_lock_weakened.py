"""What object lock protects can be deleted again."""

from headwater_aws import context, grouping, headline, request, succeeded

BYPASS = "x-amz-bypass-governance-retention"
NAMES = ("PutBucketObjectLockConfiguration", "PutObjectLegalHold", "PutObjectLockConfiguration", "PutObjectRetention")


def rule(event):
    return event.get("eventName") in NAMES and succeeded(event) and bool(weakened(event))


def weakened(event):
    """What of the lock is gone."""
    if event.get("eventName") == "PutObjectLegalHold":
        return "a legal hold" if request(event, "LegalHold", "Status") == "OFF" else ""
    if event.get("eventName") == "PutObjectRetention":
        return "retention of an object" if str(request(event, BYPASS)).lower() == "true" else ""
    if not request(event, "ObjectLockConfiguration"):
        return ""
    return "" if request(event, "ObjectLockConfiguration", "Rule") else "default retention"


def title(event):
    return headline(event, f"weakened {weakened(event)} in bucket {request(event, 'bucketName')}")


def dedup(event):
    return grouping(event, request(event, "bucketName"))


def alert_context(event):
    return {**context(event), "weakened": weakened(event)}
