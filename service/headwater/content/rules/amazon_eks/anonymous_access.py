"""A cluster answered a request without credentials."""

from headwater_kubernetes import allowed, cluster, context, source_ip

# What the default role system:public-info-viewer lets everyone read, and health checks.
OPEN = ("/healthz", "/livez", "/readyz", "/version", "/.well-known/", "/openid/")


def rule(event):
    if event.deep_get("user", "username") != "system:anonymous" or event.get("stage") == "RequestReceived":
        return False
    return allowed(event) and not str(event.get("requestURI")).startswith(OPEN)


def title(event):
    return (
        f"Anonymous {event.get('verb')} of {event.get('requestURI')} from {source_ip(event)} answered: {cluster(event)}"
    )


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('p_source_label')}:{source_ip(event)}"


def alert_context(event):
    return context(event)
