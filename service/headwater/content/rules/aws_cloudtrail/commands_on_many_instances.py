"""A command was run or a session opened on instances; the threshold makes many of them one alert."""

from headwater_aws import by_aws_service, context, grouping, headline, principal, request

NAMES = ("SendCommand", "StartSession")
SHELLS = ("AWS-RunPowerShellScript", "AWS-RunRemoteScript", "AWS-RunShellScript")


def rule(event):
    if event.get("eventName") not in NAMES or by_aws_service(event):
        return False
    return event.get("eventName") == "StartSession" or str(request(event, "documentName")).endswith(SHELLS)


def title(event):
    return headline(event, "runs commands on many instances")


def dedup(event):
    return grouping(event, principal(event))


def unique(event):
    return str(request(event, "target") or request(event, "instanceIds") or request(event, "targets"))


def alert_context(event):
    return context(event)
