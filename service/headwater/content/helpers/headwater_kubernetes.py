"""What rows of the Kubernetes audit log mean."""

from collections.abc import Mapping

from headwater_aws import items, mappings

# Who runs a cluster: the control plane, nodes, and what AWS installs.
# Source: EKS user guide, "Default Kubernetes roles and users".
SYSTEM_USERS = (
    "eks:",
    "system:apiserver",
    "system:kube-",
    "system:node:",
    "system:serviceaccount:kube-system:",
    "system:serviceaccount:amazon-",
    "aws:",
)
WORKLOADS = ("pods", "deployments", "daemonsets", "statefulsets", "replicasets", "jobs", "cronjobs")


def username(event):
    """The Kubernetes user of an audit row."""
    return str(event.deep_get("user", "username") or "unknown user")


def actor_arn(event):
    """The IAM identity behind the user: EKS adds it to those that its authenticator let in. None for others."""
    arns = items(event.deep_get("user", "extra", "arn")) or items(event.deep_get("user", "extra", "canonicalArn"))
    return str(arns[0]) if arns else None


def actor(event):
    """The best name of who did it."""
    return actor_arn(event) or username(event)


def is_system(event):
    """Whether the control plane, a node or a system component did it."""
    return username(event).startswith(SYSTEM_USERS)


def source_ip(event):
    """The first address of the chain that the request came through."""
    addresses = items(event.get("sourceIPs"))
    return str(addresses[0]) if addresses else None


def allowed(event):
    """Whether the cluster let the request through; every refusal has a code of 400 or more."""
    code = event.deep_get("responseStatus", "code")
    if event.deep_get("annotations", "authorization.k8s.io/decision") == "forbid":
        return False
    return not isinstance(code, int) or code < 400


def target(event):
    """Namespace and name of the object that a request is about."""
    name = event.deep_get("objectRef", "name") or event.deep_get("requestObject", "metadata", "name") or "unnamed"
    namespace = event.deep_get("objectRef", "namespace")
    return f"{namespace}/{name}" if namespace else str(name)


def cluster(event):
    """What a row tells of its cluster: the source it came from, and the account."""
    return f"{event.get('p_source_label') or 'cluster'} of account {event.get('p_account_id') or 'unknown'}"


def context(event):
    """The fields of an audit row that answer who, what, where and from where."""
    return {
        "actor": username(event),
        "actor_arn": actor_arn(event),
        "account": event.get("p_account_id"),
        "source_ip": source_ip(event),
        "user_agent": event.get("userAgent"),
        "verb": event.get("verb"),
        "object": event.get("objectRef"),
        "request_uri": event.get("requestURI"),
        "response_code": event.deep_get("responseStatus", "code"),
        "audit_id": event.get("auditID"),
    }


def pod_spec(event):
    """The pod's specification in the request: of a pod itself, or the template of a workload; {} if there is none."""
    spec = event.deep_get("requestObject", "spec")
    for key in ("jobTemplate", "spec"), ("template", "spec"):
        inner = spec.deep_get(*key) if isinstance(spec, Mapping) else None
        spec = inner if isinstance(inner, Mapping) else spec
    return spec if isinstance(spec, Mapping) else {}


def containers(spec):
    """All containers of a pod's specification."""
    return [one for key in ("containers", "initContainers", "ephemeralContainers") for one in mappings(spec.get(key))]


def host_paths(spec):
    """The folders of the node that a pod's specification mounts."""
    mounted = [volume["hostPath"] for volume in mappings(spec.get("volumes")) if "hostPath" in volume]
    return [str(one.get("path")) for one in mounted if isinstance(one, Mapping)]


def subjects(event):
    """The subjects of a role binding in the request."""
    return mappings(event.deep_get("requestObject", "subjects"))
