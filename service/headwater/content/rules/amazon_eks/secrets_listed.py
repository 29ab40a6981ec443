"""A service account listed secrets."""

from headwater_kubernetes import allowed, cluster, context, is_system, username


def rule(event):
    if event.get("verb") != "list" or event.deep_get("objectRef", "resource") != "secrets":
        return False
    if event.get("stage") == "RequestReceived" or is_system(event) or not allowed(event):
        return False
    return username(event).startswith("system:serviceaccount:")


def where(event):
    namespace = event.deep_get("objectRef", "namespace")
    return f"namespace {namespace}" if namespace else "all namespaces"


def title(event):
    return f"{username(event)} lists the secrets of {where(event)}: {cluster(event)}"


def severity(event):
    return "MEDIUM" if str(event.get("userAgent")).startswith(("curl/", "kubectl/", "Wget/")) else "DEFAULT"


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('p_source_label')}:{username(event)}:{where(event)}"


def alert_context(event):
    return context(event)
