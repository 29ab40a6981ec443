"""A bucket policy lets another account in."""

from headwater_aws import account, by_infrastructure_code, context, grouping, headline, items, request, succeeded
from headwater_aws_policy import EVERYONE, allowing, opened_to

READS = ("s3:Get", "s3:List")


def rule(event):
    return event.get("eventName") == "PutBucketPolicy" and succeeded(event) and bool(outsiders(event))


def outsiders(event):
    return [who for who in opened_to(request(event, "bucketPolicy"), account(event)) if who != EVERYONE]


def may_change(event):
    """Whether a statement that names an outsider allows more than reading."""
    named = [one for one in allowing(request(event, "bucketPolicy")) if opened_to({"Statement": one}, account(event))]
    return not all(str(action).startswith(READS) for one in named for action in items(one.get("Action")))


def title(event):
    return headline(event, f"let {', '.join(outsiders(event))} into bucket {request(event, 'bucketName')}")


def severity(event):
    if by_infrastructure_code(event):
        return "LOW"
    return "HIGH" if may_change(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "bucketName"))


def alert_context(event):
    return {**context(event), "outsiders": outsiders(event)}
