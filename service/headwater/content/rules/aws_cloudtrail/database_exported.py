"""A database is written to a bucket."""

from headwater_aws import context, grouping, headline, request, succeeded


def rule(event):
    if event.get("eventName") != "StartExportTask" or event.get("eventSource") != "rds.amazonaws.com":
        return False
    return succeeded(event)


def target(event):
    return request(event, "sourceArn") or request(event, "exportTaskIdentifier", default="unknown")


def title(event):
    return headline(event, f"exports to a bucket the snapshot {target(event)}")


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return {**context(event), "bucket": request(event, "s3BucketName")}
