"""A role for emergencies was assumed."""

from headwater_aws import context, grouping, headline, request, succeeded

ASSUMES = ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
WORDS = ("breakglass", "break-glass", "break_glass", "emergency", "firefighter", "fire-fighter")


def rule(event):
    if event.get("eventName") not in ASSUMES or not succeeded(event):
        return False
    arn = request(event, "roleArn")
    return isinstance(arn, str) and any(word in arn.lower() for word in WORDS)


def role(event):
    """The name of the role."""
    return str(request(event, "roleArn")).rpartition("/")[2]


def title(event):
    return headline(event, f"assumed {role(event)}, a role for emergencies")


def dedup(event):
    return grouping(event, role(event))


def alert_context(event):
    return {**context(event), "role": role(event)}
