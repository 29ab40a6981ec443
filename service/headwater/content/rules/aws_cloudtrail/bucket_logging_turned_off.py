"""Requests to a bucket are no longer logged."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded


def rule(event):
    if event.get("eventName") != "PutBucketLogging" or not succeeded(event) or by_infrastructure_code(event):
        return False
    return bool(request(event, "bucketName")) and request(event, "BucketLoggingStatus", "LoggingEnabled") is None


def title(event):
    return headline(event, f"turned off the access log of bucket {request(event, 'bucketName')}")


def dedup(event):
    return grouping(event, request(event, "bucketName"))


def alert_context(event):
    return context(event)
