"""A running instance got another role."""

from headwater_aws import (
    by_aws_service,
    by_infrastructure_code,
    context,
    grouping,
    headline,
    principal,
    request,
    succeeded,
)

NAMES = ("AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return by_infrastructure_code(event) or not by_aws_service(event)


def profile(event):
    keys = (f"{event.get('eventName')}Request", "IamInstanceProfile")  # EC2 nests the request under a name of its own
    return request(event, *keys, "Arn") or request(event, *keys, "Name", default="a profile")


def instance(event):
    keys = (f"{event.get('eventName')}Response", "iamInstanceProfileAssociation", "instanceId")
    made = event.deep_get("responseElements", *keys)
    return made or request(event, f"{event.get('eventName')}Request", "InstanceId", default="an instance")


def title(event):
    return headline(event, f"gave {instance(event)} the role of {profile(event)}")


def severity(event):
    quick_setup = ":role/AWS-QuickSetup" in principal(event)
    return "LOW" if quick_setup or by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, instance(event))


def alert_context(event):
    return {**context(event), "instance": instance(event), "profile": profile(event)}
