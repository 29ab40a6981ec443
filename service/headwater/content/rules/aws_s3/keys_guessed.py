"""Someone without credentials asked for an object that is not there; the threshold counts different names."""

from headwater_s3 import context

READS = ("REST.GET.OBJECT", "REST.HEAD.OBJECT", "WEBSITE.GET.OBJECT", "WEBSITE.HEAD.OBJECT")


def rule(event):
    if event.get("httpstatus") not in (403, 404) or event.get("operation") not in READS:
        return False
    return not event.get("requester")


def title(event):
    return f"{event.get('remoteip')} guesses names of objects in bucket {event.get('bucket', 'unknown')}"


def dedup(event):
    return f"{event.get('bucket')}:{event.get('remoteip')}"


def unique(event):
    return str(event.get("key"))


def alert_context(event):
    return context(event)
