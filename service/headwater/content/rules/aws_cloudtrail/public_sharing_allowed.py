"""Images or snapshots may be made public again."""

from headwater_aws import context, grouping, headline, succeeded

DEEDS = {
    "DisableImageBlockPublicAccess": "allowed public machine images",
    "DisableSnapshotBlockPublicAccess": "allowed public snapshots",
}
NAMES = tuple(DEEDS)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "ec2.amazonaws.com":
        return False
    return succeeded(event)


def title(event):
    return headline(event, f"{DEEDS[event.get('eventName')]}")


def dedup(event):
    return grouping(event, event.get("awsRegion"))


def alert_context(event):
    return context(event)
