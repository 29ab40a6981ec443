"""An object was deleted; the threshold counts different objects."""

from headwater_s3 import context, who

DELETES = ("REST.DELETE.OBJECT", "BATCH.DELETE.OBJECT")


def rule(event):
    return event.get("operation") in DELETES and event.get("httpstatus") in (200, 204)


def title(event):
    return f"{who(event)} deletes many objects of bucket {event.get('bucket', 'unknown')}"


def dedup(event):
    return f"{event.get('bucket')}:{who(event)}"


def unique(event):
    return f"{event.get('key')}:{event.get('versionid')}"


def alert_context(event):
    return context(event)
