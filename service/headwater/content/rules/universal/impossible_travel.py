"""A user signed in from a place too far from that of the sign-in before."""

from headwater_sign_in import context, distance_km, grouping, location, who
from panther_detection_helpers.caching import get_dictionary, put_dictionary

NEAR_KM = 500  # tables of locations are often that far off
FASTEST_KM_H = 900
KEPT_S = 7 * 86_400


def rule(event):
    if event.get("eventName", "ConsoleLogin") != "ConsoleLogin" or not event.get("p_enrichment"):
        return False  # most rows end here
    if event.udm("event_type") != "successful_login":
        return False
    here = place(event)
    if here["latitude"] is None or here["longitude"] is None or not here["at"]:
        return False
    before = get_dictionary(key(event))
    if before and here["at"] < before["at"]:
        return False
    put_dictionary(key(event), {**here, "before": {**before, "before": None}}, epoch_seconds=KEPT_S)
    return bool(before) and is_too_fast(before, here)


def key(event):
    """Where the place of the last sign-in is kept."""
    return f"headwater.impossible_travel:{grouping(event, who(event))}"


def place(event):
    return {**location(event), "at": event.event_time_epoch(), "source_ip": event.udm("source_ip")}


def is_too_fast(before, here):
    distance = distance_km(before, here)
    hours = max(here["at"] - before["at"], 1) / 3600
    return distance > NEAR_KM and distance / hours > FASTEST_KM_H


def earlier(event):
    """The place of the sign-in before: rule() has kept this one over it."""
    return get_dictionary(key(event)).get("before") or {}


def title(event):
    then, now = earlier(event).get("country") or "one place", location(event)["country"] or "another place"
    return f"{who(event)} signed in from {then} and, sooner than one can travel, from {now}"


def dedup(event):
    return grouping(event, who(event))


def alert_context(event):
    then, now = earlier(event), place(event)
    return {**context(event), "earlier": then, "place": now, "distance_km": round(distance_km(then, now))}
