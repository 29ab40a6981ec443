"""A public access block of S3 was weakened."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded

SWITCHES = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
NAMES = ("DeleteAccountPublicAccessBlock", "PutAccountPublicAccessBlock", "PutBucketPublicAccessBlock")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return event.get("eventName") == "DeleteAccountPublicAccessBlock" or bool(turned_off(event))


def turned_off(event):
    values = {name: request(event, "PublicAccessBlockConfiguration", name) for name in SWITCHES}
    return [name for name, value in values.items() if str(value).lower() == "false"]


def target(event):
    return request(event, "bucketName", default="the whole account")


def title(event):
    what = ", ".join(turned_off(event)) or "the public access block"
    return headline(event, f"turned off {what} of {target(event)}")


def severity(event):
    if by_infrastructure_code(event):
        return "LOW"
    return "HIGH" if "Account" in event.get("eventName") else "DEFAULT"


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return {**context(event), "turned_off": turned_off(event)}
