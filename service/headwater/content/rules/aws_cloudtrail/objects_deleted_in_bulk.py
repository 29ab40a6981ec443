"""Objects were deleted many at a time or for good; the threshold makes many such requests one alert."""

from headwater_aws import by_aws_service, context, grouping, headline, principal, request, succeeded

NAMES = ("DeleteObject", "DeleteObjects")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event) or by_aws_service(event):
        return False
    return event.get("eventName") == "DeleteObjects" or bool(request(event, "versionId"))


def title(event):
    return headline(event, f"deletes objects of bucket {request(event, 'bucketName')} in bulk")


def dedup(event):
    return grouping(event, principal(event), request(event, "bucketName"))


def alert_context(event):
    return context(event)
