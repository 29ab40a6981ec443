"""Macie made a finding of high severity."""


def rule(event):
    if event.deep_get("severity", "description") != "High":
        return False
    return event.get("archived") is not True and event.get("sample") is not True


def bucket(event):
    return event.deep_get("resourcesAffected", "s3Bucket", "name", default="unknown")


def title(event):
    return f"Macie: {event.get('type')} in bucket {bucket(event)}: account {event.get('accountId')}"


def dedup(event):
    return f"{event.get('accountId')}:{event.get('type')}:{bucket(event)}"


def alert_context(event):
    names = ("region", "type", "title", "description", "count", "classificationDetails", "policyDetails", "id")
    found = {name: event.get(name) for name in names}
    key = event.deep_get("resourcesAffected", "s3Object", "key")
    return {"account": event.get("accountId"), "bucket": bucket(event), "key": key, **found}
