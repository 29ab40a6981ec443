"""A member of system:masters changed something."""

from headwater_aws import items
from headwater_kubernetes import actor, allowed, cluster, context, is_system, target

CHANGES = ("create", "update", "patch", "delete", "deletecollection")
REVIEWS = (
    "selfsubjectaccessreviews",
    "subjectaccessreviews",
    "selfsubjectrulesreviews",
    "tokenreviews",
    "selfsubjectreviews",
)


def rule(event):
    if event.get("verb") not in CHANGES or event.get("stage") == "RequestReceived":
        return False
    if event.deep_get("objectRef", "resource") in REVIEWS or is_system(event) or not allowed(event):
        return False
    return "system:masters" in items(event.deep_get("user", "groups"))


def title(event):
    resource = event.deep_get("objectRef", "resource", default="something")
    return f"{actor(event)} used system:masters to {event.get('verb')} {resource} {target(event)}: {cluster(event)}"


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('p_source_label')}:{actor(event)}"


def alert_context(event):
    return context(event)
