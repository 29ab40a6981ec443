"""A token of a service account was made by hand."""

from headwater_kubernetes import actor, allowed, cluster, context, is_system, target, username


def rule(event):
    if event.get("verb") != "create" or event.deep_get("objectRef", "subresource") != "token":
        return False
    if event.deep_get("objectRef", "resource") != "serviceaccounts" or event.get("stage") == "RequestReceived":
        return False
    return allowed(event) and not is_system(event) and not username(event).startswith("system:serviceaccount:")


def title(event):
    return f"{actor(event)} made a token of service account {target(event)}: {cluster(event)}"


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('p_source_label')}:{actor(event)}:{target(event)}"


def alert_context(event):
    seconds = event.deep_get("requestObject", "spec", "expirationSeconds")
    return {**context(event), "service_account": target(event), "expires_after_s": seconds}
