"""Images are no longer scanned on push."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, request, succeeded


def rule(event):
    if event.get("eventName") != "PutImageScanningConfiguration" or event.get("eventSource") != "ecr.amazonaws.com":
        return False
    return (
        succeeded(event)
        and request(event, "imageScanningConfiguration", "scanOnPush") is False
        and not by_infrastructure_code(event)
    )


def target(event):
    return request(event, "repositoryName", default="unknown")


def title(event):
    return headline(event, f"turned off scanning of repository {target(event)}")


def dedup(event):
    return grouping(event, target(event))


def alert_context(event):
    return context(event)
