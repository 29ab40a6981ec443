"""A product that reports to Security Hub found something grave."""

from headwater_aws import mappings

ELSEWHERE = ("GuardDuty", "Inspector", "Macie", "IAM Access Analyzer")


def rule(event):
    if event.get("RecordState") != "ACTIVE" or event.get("ProductName") in ELSEWHERE or event.get("Sample") is True:
        return False
    if event.deep_get("Workflow", "Status", default="NEW") != "NEW":
        return False
    level = event.deep_get("Severity", "Label")
    status = event.deep_get("Compliance", "Status")
    return (level == "CRITICAL" and status in (None, "FAILED")) or (level == "HIGH" and status is None)


def resource(event):
    """The resource that the finding names first."""
    found = [one.get("Id") for one in mappings(event.get("Resources"))]
    return str(found[0]) if found else "a resource"


def title(event):
    product = event.get("ProductName", "Security Hub")
    return f"{product}: {event.get('Title', 'a finding')} on {resource(event)}: account {event.get('AwsAccountId')}"


def severity(event):
    return "CRITICAL" if event.deep_get("Severity", "Label") == "CRITICAL" else "DEFAULT"


def dedup(event):
    parts = (event.get("AwsAccountId"), event.get("Region"), event.get("GeneratorId"), resource(event))
    return ":".join(map(str, parts))


def alert_context(event):
    names = (
        "ProductName",
        "GeneratorId",
        "Types",
        "Title",
        "Description",
        "Severity",
        "Remediation",
        "SourceUrl",
        "Id",
    )
    return {
        "account": event.get("AwsAccountId"),
        "region": event.get("Region"),
        "resource": resource(event),
        **{name: event.get(name) for name in names},
    }
