"""A lifecycle rule empties a bucket within days."""

from headwater_aws import (
    by_infrastructure_code,
    context,
    grouping,
    headline,
    mappings,
    request,
    succeeded,
    watches_security,
)

DAYS_MAX = 3
NAMES = ("PutBucketLifecycle", "PutBucketLifecycleConfiguration")


def rule(event):
    return event.get("eventName") in NAMES and succeeded(event) and days(event) is not None


def days(event):
    """After how many days the quickest rule deletes objects, if that is soon."""
    rules = [
        one for one in mappings(request(event, "LifecycleConfiguration", "Rule")) if one.get("Status") == "Enabled"
    ]
    found = [expiry.get("Days") for one in rules for expiry in mappings(one.get("Expiration"))]
    return min((each for each in found if isinstance(each, int) and each <= DAYS_MAX), default=None)


def title(event):
    return headline(event, f"set bucket {request(event, 'bucketName')} to expire within {days(event)} days")


def severity(event):
    if by_infrastructure_code(event):
        return "LOW"
    bucket = str(request(event, "bucketName"))
    return "HIGH" if watches_security(bucket) or "log" in bucket else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "bucketName"))


def alert_context(event):
    return {**context(event), "days": days(event)}
