"""A trail records less than before."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, items, mappings, request, succeeded

STORE_CALLS = ("DeleteEventDataStore", "StopEventDataStoreIngestion")
NAMES = ("UpdateTrail", "PutEventSelectors", *STORE_CALLS)
SWITCHES = {
    "isMultiRegionTrail": "other regions",
    "includeGlobalServiceEvents": "global services",
    "enableLogFileValidation": "validation of files",
}


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "cloudtrail.amazonaws.com":
        return False
    return succeeded(event) and bool(lost(event))


def lost(event):
    """What the trail or store does without from now on."""
    if event.get("eventName") in STORE_CALLS:
        return ["the event data store"]
    if event.get("eventName") == "UpdateTrail":
        return [what for key, what in SWITCHES.items() if request(event, key) is False]
    selectors = mappings(request(event, "eventSelectors"))
    advanced = mappings(request(event, "advancedEventSelectors"))
    complete = any(map(records_management, selectors)) or any(map(selects_management, advanced))
    return [] if complete else ["management events"]


def records_management(selector):
    """Whether a selector takes all management events, but for the two sources that AWS lets leave out for volume."""
    return selector.get("includeManagementEvents") is not False and selector.get("readWriteType", "All") == "All"


def selects_management(selector):
    """Whether an advanced selector takes all management events, or those of all sources but some."""
    fields = {str(one.get("field")): one for one in mappings(selector.get("fieldSelectors"))}
    return "Management" in items(fields.get("eventCategory", {}).get("equals")) and "readOnly" not in fields


def title(event):
    trail = request(event, "name") or request(event, "trailName") or request(event, "eventDataStore", default="a trail")
    return headline(event, f"took {', '.join(lost(event))} from {trail}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "name") or request(event, "trailName") or request(event, "eventDataStore"))


def alert_context(event):
    return {**context(event), "lost": lost(event)}
