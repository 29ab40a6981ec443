"""Sign-ins of any log type, and where they came from, by data models and lookup tables."""

import math
from collections.abc import Mapping

from headwater_aws import mappings

EARTH_RADIUS_KM = 6371
LATITUDE = ("lat", "latitude")
LONGITUDE = ("lng", "lon", "longitude")
COUNTRY = ("country", "country_code", "country_name")
NETWORK = ("asn", "as_number")


def who(event):
    """The user who signs in."""
    return str(event.udm("actor_user") or "unknown user")


def grouping(event, *parts):
    """A dedup text: what kind of system, the account, and what else a responder groups by."""
    return ":".join(map(str, (event.get("p_log_type"), account(event), *parts)))


def account(event):
    """The account that the row is about, else the one that its source belongs to."""
    return str(event.udm("account_id") or event.get("p_account_id") or "unknown")


def context(event):
    """The fields of a row that answer who, what, where and from where, by the names of data models."""
    names = (
        "actor_arn",
        "event_name",
        "event_type",
        "hostname",
        "region",
        "source_ip",
        "user",
        "user_agent",
        "mfa_used",
    )
    found = {name: event.udm(name) for name in names}
    return {"actor": who(event), "account": account(event), "log_type": event.get("p_log_type"), **found}


def location(event):
    """What lookup tables know of the source address: {latitude, longitude, country, network}, as far as they do.

    Any table whose rows have columns of such names counts, found under any selector by that address.
    """
    address = event.udm("source_ip")
    known = {"latitude": None, "longitude": None, "country": None, "network": None}
    for row in _rows(event.get("p_enrichment")) if address else ():
        if row.get("p_match") == address:
            found = {
                "latitude": _number(row, LATITUDE),
                "longitude": _number(row, LONGITUDE),
                "country": _text(row, COUNTRY),
                "network": _text(row, NETWORK),
            }
            known = {name: found[name] if value is None else value for name, value in known.items()}
    return known


def distance_km(one, other):
    """How far apart two locations are on the ground; 0.0 where either is unknown."""
    places = (one.get("latitude"), one.get("longitude"), other.get("latitude"), other.get("longitude"))
    if any(not isinstance(value, int | float) for value in places):
        return 0.0
    lat1, lon1, lat2, lon2 = map(math.radians, places)
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(half))


def _rows(enrichment):
    """Every row of every table: under a selector stands one, or a list of them."""
    tables = enrichment.values() if isinstance(enrichment, Mapping) else ()
    for selectors in (table for table in tables if isinstance(table, Mapping)):
        for found in selectors.values():
            yield from mappings(found)


def _text(row, names):
    found = (row.get(name) for name in names)
    return next((str(value) for value in found if value), None)


def _number(row, names):
    try:
        return float(_text(row, names) or "")
    except ValueError:
        return None
