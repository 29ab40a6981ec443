"""Somebody launched a large instance with accelerators."""

from headwater_aws import (
    by_aws_service,
    by_infrastructure_code,
    context,
    grouping,
    headline,
    mappings,
    principal,
    request,
    succeeded,
)

FAMILIES = (
    "p2.",
    "p3.",
    "p3dn.",
    "p4d.",
    "p4de.",
    "p5.",
    "p5e.",
    "p5en.",
    "g4dn.",
    "g5.",
    "g6.",
    "g6e.",
    "trn1.",
    "inf2.",
)
SIZES = (".8xlarge", ".12xlarge", ".16xlarge", ".24xlarge", ".32xlarge", ".48xlarge", ".metal")


def rule(event):
    if event.get("eventName") != "RunInstances" or not succeeded(event):
        return False
    kind = str(request(event, "instanceType"))
    if not kind.startswith(FAMILIES) or not kind.endswith(SIZES):
        return False
    return not by_aws_service(event) and not by_infrastructure_code(event)


def title(event):
    return headline(event, f"launched {request(event, 'instanceType')}")


def severity(event):
    with_key = any(one.get("keyName") for one in mappings(request(event, "instancesSet")))
    return "MEDIUM" if with_key and not request(event, "iamInstanceProfile") else "DEFAULT"


def dedup(event):
    return grouping(event, principal(event))


def alert_context(event):
    return context(event)
