"""AWS Config no longer records."""

from headwater_aws import context, grouping, headline, request, succeeded

DEEDS = {
    "StopConfigurationRecorder": "stopped",
    "DeleteConfigurationRecorder": "deleted",
    "DeleteDeliveryChannel": "deleted",
}
NAMES = tuple(DEEDS)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "config.amazonaws.com":
        return False
    return succeeded(event)


def target(event):
    return request(event, "configurationRecorderName") or request(
        event, "deliveryChannelName", default="the configuration recorder"
    )


def title(event):
    return headline(event, f"{DEEDS[event.get('eventName')]} {target(event)}")


def dedup(event):
    return grouping(event, event.get("awsRegion"))


def alert_context(event):
    return context(event)
