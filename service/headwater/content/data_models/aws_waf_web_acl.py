"""AWS WAF's log in the words of the unified data model."""

from headwater_waf import headers


def user_agent(event):
    return headers(event).get("user-agent")


def hostname(event):
    return event.deep_get("httpRequest", "host") or headers(event).get("host")
