"""Someone without credentials listed a bucket."""

from headwater_s3 import context

LISTS = ("REST.GET.BUCKET", "REST.GET.BUCKETVERSIONS")


def rule(event):
    if event.get("operation") not in LISTS or event.get("httpstatus") != 200:
        return False
    return not event.get("requester")


def title(event):
    return (
        f"Bucket {event.get('bucket', 'unknown')} is listed by anyone: {event.get('remoteip')} did, without credentials"
    )


def dedup(event):
    return str(event.get("bucket"))


def alert_context(event):
    return context(event)
