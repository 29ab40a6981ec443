"""A bucket no longer keeps what is overwritten or deleted."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded


def rule(event):
    if event.get("eventName") != "PutBucketVersioning" or not succeeded(event):
        return False
    suspended = request(event, "VersioningConfiguration", "Status") == "Suspended"
    return suspended or request(event, "VersioningConfiguration", "MfaDelete") == "Disabled"


def title(event):
    suspended = request(event, "VersioningConfiguration", "Status") == "Suspended"
    deed = "suspended versioning" if suspended else "switched off MFA delete"
    return headline(event, f"{deed} of bucket {request(event, 'bucketName')}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "bucketName"))


def alert_context(event):
    return context(event)
