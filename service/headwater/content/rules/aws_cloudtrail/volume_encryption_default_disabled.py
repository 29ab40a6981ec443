"""New volumes are no longer encrypted by default."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, succeeded


def rule(event):
    if event.get("eventName") != "DisableEbsEncryptionByDefault" or event.get("eventSource") != "ec2.amazonaws.com":
        return False
    return succeeded(event)


def title(event):
    return headline(event, "disabled default encryption of volumes")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, event.get("awsRegion"))


def alert_context(event):
    return context(event)
