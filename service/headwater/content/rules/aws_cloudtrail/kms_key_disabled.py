"""A KMS key can no longer be used."""

from headwater_aws import context, grouping, headline, request, succeeded

DEEDS = {
    "DisableKey": "disabled",
    "DeleteImportedKeyMaterial": "deleted the key material of",
}
NAMES = tuple(DEEDS)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "kms.amazonaws.com":
        return False
    return succeeded(event)


def target(event):
    return request(event, "keyId", default="a KMS key")


def title(event):
    return headline(event, f"{DEEDS[event.get('eventName')]} {target(event)}")


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
