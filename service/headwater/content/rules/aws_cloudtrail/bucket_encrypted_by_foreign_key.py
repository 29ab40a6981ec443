"""A bucket's encryption was removed, or handed to a key of another account."""

from headwater_aws import account, account_of, context, grouping, headline, mappings, request, succeeded

NAMES = ("DeleteBucketEncryption", "PutBucketEncryption")


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return event.get("eventName") == "DeleteBucketEncryption" or bool(foreign_keys(event))


def foreign_keys(event):
    """The default keys that belong to other accounts."""
    rules = mappings(request(event, "ServerSideEncryptionConfiguration", "Rule"))
    defaults = [one for each in rules for one in mappings(each.get("ApplyServerSideEncryptionByDefault"))]
    keys = [str(one.get("KMSMasterKeyID")) for one in defaults]
    return [key for key in keys if account_of(key) not in ("", account(event))]


def title(event):
    bucket = request(event, "bucketName")
    if event.get("eventName") == "DeleteBucketEncryption":
        return headline(event, f"removed the encryption settings of bucket {bucket}")
    return headline(event, f"encrypts bucket {bucket} by {', '.join(foreign_keys(event))} of another account")


def severity(event):
    return "LOW" if event.get("eventName") == "DeleteBucketEncryption" else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "bucketName"))


def alert_context(event):
    return {**context(event), "foreign_keys": foreign_keys(event)}
