"""Flow logs were deleted."""

from headwater_aws import by_infrastructure_code, context, grouping, headline, mappings, request, succeeded


def rule(event):
    return event.get("eventName") == "DeleteFlowLogs" and succeeded(event)


def flow_logs(event):
    """Their ids, which EC2 writes one as {"tag": 1, "content": id} and many as a list of these."""
    found = mappings(request(event, "DeleteFlowLogsRequest", "FlowLogId"))
    return ", ".join(str(one.get("content")) for one in found) or "flow logs"


def title(event):
    return headline(event, f"deleted {flow_logs(event)}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, event.get("awsRegion"))


def alert_context(event):
    return context(event)
