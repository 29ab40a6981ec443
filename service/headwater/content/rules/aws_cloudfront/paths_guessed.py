"""A client asked for a path that is not there; the threshold counts different paths."""

from headwater_cloudfront import context, site

USUAL = (
    "/favicon.ico",
    "/robots.txt",
    "/apple-touch-icon.png",
    "/apple-touch-icon-precomposed.png",
    "/sitemap.xml",
    "/ads.txt",
)


def rule(event):
    return event.get("sc_status") in (403, 404) and event.get("cs_uri_stem") not in USUAL


def title(event):
    return f"{event.get('c_ip')} guesses paths of {site(event)}"


def dedup(event):
    return f"{site(event)}:{event.get('c_ip')}"


def unique(event):
    return str(event.get("cs_uri_stem"))


def alert_context(event):
    return context(event)
