"""A command was run in a pod."""

from headwater_kubernetes import actor, allowed, cluster, context, is_system, target

SUBRESOURCES = ("exec", "attach")


def rule(event):
    if event.get("verb") not in ("create", "get") or event.deep_get("objectRef", "subresource") not in SUBRESOURCES:
        return False
    return event.get("stage") != "RequestReceived" and allowed(event) and not is_system(event)


def title(event):
    return f"{actor(event)} runs commands in pod {target(event)}: {cluster(event)}"


def dedup(event):
    return f"{event.get('p_account_id')}:{actor(event)}:{event.deep_get('objectRef', 'namespace')}"


def alert_context(event):
    return {**context(event), "pod": target(event)}
