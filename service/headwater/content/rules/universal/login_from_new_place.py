"""A user signed in from a country or a network for the first time."""

from headwater_sign_in import context, grouping, location, who
from panther_detection_helpers.caching import get_dictionary, get_string_set, put_dictionary, put_string_set

KEPT_S = 3600  # what was new, until title() and the others have read it


def rule(event):
    if event.get("eventName", "ConsoleLogin") != "ConsoleLogin" or not event.get("p_enrichment"):
        return False  # most rows end here
    if event.udm("event_type") != "successful_login":
        return False
    here, known = places(event), get_string_set(key(event))
    if not here:
        return False
    put_string_set(key(event), [*known, *here])
    found = [one for one in here if one not in known]
    put_dictionary(f"{key(event)}:new", {"new": found}, epoch_seconds=KEPT_S)
    return bool(known) and bool(found)


def key(event):
    """Where the places of a user are kept, for ninety days since the last sign-in."""
    return f"headwater.login_from_new_place:{grouping(event, who(event))}"


def places(event):
    """What is known of where the sign-in came from: "country IE", "network 64496"."""
    here = location(event)
    return [f"{name} {here[name]}" for name in ("country", "network") if here[name]]


def new(event):
    """Which of the places are new: rule() has kept it."""
    return get_dictionary(f"{key(event)}:new").get("new") or []


def title(event):
    return f"{who(event)} signed in from {' and '.join(new(event))} for the first time"


def severity(event):
    return "DEFAULT" if any(one.startswith("country ") for one in new(event)) else "INFO"


def dedup(event):
    return grouping(event, who(event), *new(event))


def alert_context(event):
    return {**context(event), "place": location(event), "new": new(event)}
