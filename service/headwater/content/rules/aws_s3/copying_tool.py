"""An object was read by a tool that people copy buckets with."""

from headwater_s3 import context, who

TOOLS = (
    "rclone",
    "s3 browser",
    "s3browser",
    "cyberduck",
    "winscp",
    "cloudberry",
    "msp360",
    "s3cmd",
    "dragondisk",
    "megasync",
)


def rule(event):
    if event.get("operation") != "REST.GET.OBJECT" or event.get("httpstatus") not in (200, 206):
        return False
    return any(name in agent(event) for name in TOOLS)


def agent(event):
    return (event.get("useragent") or "").lower()


def tool(event):
    return next((name for name in TOOLS if name in agent(event)), "")


def title(event):
    return f"{who(event)} reads bucket {event.get('bucket', 'unknown')} with {tool(event)}"


def dedup(event):
    return f"{who(event)}:{event.get('bucket')}:{tool(event)}"


def alert_context(event):
    return {**context(event), "tool": tool(event)}
