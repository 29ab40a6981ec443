"""A file that holds secrets was given out."""

from headwater_cloudfront import context, site
from headwater_web import is_secret_file


def rule(event):
    if event.get("sc_status") not in (200, 206) or event.get("cs_method") != "GET":
        return False
    return is_secret_file(event.get("cs_uri_stem"))


def title(event):
    return f"CloudFront gave {event.get('cs_uri_stem')} of {site(event)} to {event.get('c_ip')}"


def dedup(event):
    return f"{site(event)}:{event.get('cs_uri_stem')}"


def alert_context(event):
    return context(event)
