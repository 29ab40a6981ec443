"""Someone without credentials read an object; the threshold counts different objects."""

from headwater_s3 import context


def rule(event):
    if event.get("operation") != "REST.GET.OBJECT" or event.get("httpstatus") not in (200, 206):
        return False
    return not event.get("requester")


def title(event):
    return f"{event.get('remoteip')} reads many objects of bucket {event.get('bucket', 'unknown')} without credentials"


def dedup(event):
    return f"{event.get('bucket')}:{event.get('remoteip')}"


def unique(event):
    return str(event.get("key"))


def alert_context(event):
    return context(event)
