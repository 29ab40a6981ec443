"""A bucket is copied to another account."""

from headwater_aws import account, by_infrastructure_code, context, grouping, headline, mappings, request, succeeded


def rule(event):
    return event.get("eventName") == "PutBucketReplication" and succeeded(event) and bool(destinations_outside(event))


def destinations_outside(event):
    """Buckets of other accounts that an enabled rule copies to; CloudTrail names an account only where it differs."""
    rules = [
        one for one in mappings(request(event, "ReplicationConfiguration", "Rule")) if one.get("Status") == "Enabled"
    ]
    found = [target for one in rules for target in mappings(one.get("Destination"))]
    return {str(one.get("Bucket")): one["Account"] for one in found if one.get("Account") not in (None, account(event))}


def title(event):
    copies = ", ".join(f"{bucket} of account {owner}" for bucket, owner in destinations_outside(event).items())
    return headline(event, f"replicates bucket {request(event, 'bucketName')} to {copies}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "bucketName"))


def alert_context(event):
    return {**context(event), "destinations_outside": destinations_outside(event)}
