"""A pod mounts a folder of its node from which the node can be taken over."""

from headwater_kubernetes import WORKLOADS, actor, allowed, cluster, context, host_paths, is_system, pod_spec, target

WHOLE = ("/", "/etc", "/root", "/home", "/proc", "/var", "/run", "/var/run", "/var/lib")
BELOW = (
    "/etc/kubernetes",
    "/root/",
    "/var/lib/kubelet",
    "/run/containerd",
    "/var/run/docker",
    "/var/run/containerd",
    "/run/docker",
)


def rule(event):
    if (
        event.get("verb") not in ("create", "update", "patch")
        or event.deep_get("objectRef", "resource") not in WORKLOADS
    ):
        return False
    if event.get("stage") == "RequestReceived" or event.deep_get("objectRef", "namespace") == "kube-system":
        return False
    return bool(sensitive(event)) and allowed(event) and not is_system(event)


def sensitive(event):
    """The folders of the node that the pod mounts and should not."""
    return [
        path for path in host_paths(pod_spec(event)) if (path.rstrip("/") or "/") in WHOLE or path.startswith(BELOW)
    ]


def title(event):
    return f"{actor(event)} created {target(event)}, which mounts {', '.join(sensitive(event))}: {cluster(event)}"


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('p_source_label')}:{target(event)}"


def alert_context(event):
    return {**context(event), "paths": sensitive(event)}
