"""A pod that can take over its node was created."""

from headwater_kubernetes import WORKLOADS, actor, allowed, cluster, containers, context, is_system, pod_spec, target

SHARED = ("hostPID", "hostIPC", "hostNetwork")


def rule(event):
    if (
        event.get("verb") not in ("create", "update", "patch")
        or event.deep_get("objectRef", "resource") not in WORKLOADS
    ):
        return False
    if event.get("stage") == "RequestReceived" or event.deep_get("objectRef", "namespace") == "kube-system":
        return False
    return bool(reasons(event)) and allowed(event) and not is_system(event)


def reasons(event):
    """What lets the pod take over its node."""
    spec = pod_spec(event)
    shared = [name for name in SHARED if spec.get(name) is True]
    privileged = any(one.deep_get("securityContext", "privileged") is True for one in containers(spec))
    return [*shared, "privileged"] if privileged else shared


def title(event):
    return f"{actor(event)} created {target(event)} ({', '.join(reasons(event))}): {cluster(event)}"


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('p_source_label')}:{target(event)}"


def alert_context(event):
    images = [one.get("image") for one in containers(pod_spec(event))]
    return {**context(event), "reasons": reasons(event), "images": images}
