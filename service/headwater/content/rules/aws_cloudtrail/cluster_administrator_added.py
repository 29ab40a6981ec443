"""Somebody was made an administrator of a cluster."""

from urllib.parse import unquote

from headwater_aws import by_aws_service, by_infrastructure_code, context, grouping, headline, request, succeeded

ADMIN_POLICIES = ("/AmazonEKSAdminPolicy", "/AmazonEKSClusterAdminPolicy")


def rule(event):
    if event.get("eventName") != "AssociateAccessPolicy" or event.get("eventSource") != "eks.amazonaws.com":
        return False
    if not str(request(event, "policyArn")).endswith(ADMIN_POLICIES) or not succeeded(event):
        return False
    return by_infrastructure_code(event) or not by_aws_service(event)


def target(event):
    """The new administrator, whose ARN is written as it stood in the URL."""
    return unquote(str(request(event, "principalArn")))


def title(event):
    return headline(event, f"made {target(event)} an administrator of cluster {request(event, 'name')}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "name"), target(event))


def alert_context(event):
    return {**context(event), "target": target(event)}
