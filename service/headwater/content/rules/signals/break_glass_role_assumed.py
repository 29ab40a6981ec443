"""A role for emergencies was assumed."""

from headwater_aws import context, grouping, headline, request, succeeded

ASSUMES = ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
WORDS = ("breakglass", "emergency", "firefighter")


def rule(event):
    if event.get("eventName") not in ASSUMES or not succeeded(event):
        return False
    return any(word in role(event).lower().replace("-", "").replace("_", "") for word in WORDS)


def role(event):
    """The name of the role."""
    return str(request(event, "roleArn")).rpartition("/")[2]


def title(event):
    return headline(event, f"assumed {role(event)}, a role for emergencies")


def dedup(event):
    return grouping(event, role(event))


def alert_context(event):
    return {**context(event), "role": role(event)}
