"""An object was encrypted by a key that only the caller has; the threshold makes many of them one alert."""

from headwater_aws import context, grouping, headline, request, succeeded

NAMES = ("CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "PutObject")
ALGORITHM = "x-amz-server-side-encryption-customer-algorithm"


def rule(event):
    if event.get("eventName") not in NAMES or event.deep_get("requestParameters", ALGORITHM) != "AES256":
        return False
    return succeeded(event)


def title(event):
    return headline(event, f"encrypts objects of bucket {request(event, 'bucketName')} by a key of their own")


def dedup(event):
    return grouping(event, request(event, "bucketName"))


def unique(event):
    return str(request(event, "key"))


def alert_context(event):
    return context(event)
