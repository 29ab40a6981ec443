"""A cluster administrator was made, or everyone was given rights."""

from headwater_kubernetes import actor, allowed, cluster, context, is_system, subjects, target

BINDINGS = ("clusterrolebindings", "rolebindings")
EVERYONE = ("system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts")


def rule(event):
    if (
        event.get("verb") not in ("create", "update", "patch")
        or event.deep_get("objectRef", "resource") not in BINDINGS
    ):
        return False
    if event.get("stage") == "RequestReceived" or not allowed(event) or is_system(event):
        return False
    return gives_admin(event) or gives_everyone(event)


def gives_admin(event):
    return event.deep_get("requestObject", "roleRef", "name") == "cluster-admin"


def gives_everyone(event):
    return any(one.get("name") in EVERYONE for one in subjects(event))


def names(event):
    """Who the binding is for."""
    return [str(one.get("name")) for one in subjects(event)]


def title(event):
    role = event.deep_get("requestObject", "roleRef", "name", default="a role")
    who = ", ".join(names(event)) or "someone"
    return f"{actor(event)} gave {role} to {who}: {cluster(event)}"


def severity(event):
    if gives_everyone(event):
        return "CRITICAL"
    found = [one.get("namespace") for one in subjects(event)]
    return "LOW" if found and all(namespace == "kube-system" for namespace in found) else "DEFAULT"


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('p_source_label')}:{target(event)}"


def alert_context(event):
    return {**context(event), "role": event.deep_get("requestObject", "roleRef", "name"), "subjects": names(event)}
