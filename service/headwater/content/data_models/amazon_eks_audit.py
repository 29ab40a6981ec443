"""The Kubernetes audit log in the words of the unified data model."""

import headwater_kubernetes

BINDINGS = ("clusterrolebindings", "rolebindings")


def actor_arn(event):
    return headwater_kubernetes.actor_arn(event)


def source_ip(event):
    return headwater_kubernetes.source_ip(event)


def admin_role(event):
    """The administrator's role that a binding gives, if it does."""
    if event.get("verb") != "create" or event.deep_get("objectRef", "resource") not in BINDINGS:
        return None
    role = event.deep_get("requestObject", "roleRef", "name")
    return role if role == "cluster-admin" and headwater_kubernetes.allowed(event) else None


def event_type(event):
    """The kind of event that different log types have in common."""
    return "admin_role_assigned" if admin_role(event) else None
