"""An administrator role read an object."""

from headwater_aws import has_role_of, role_session

# A role is an administrator's if one of these is part of its name, in any case.
ADMIN_WORDS = ("admin", "organizationaccountaccessrole")


def rule(event):
    if event.get("operation") != "REST.GET.OBJECT" or event.get("httpstatus") not in (200, 206):
        return False
    return has_role_of(event.get("requester"), ADMIN_WORDS)


def title(event):
    session = role_session(event.get("requester"))
    return f"{session['role']} ({session['session']}) read objects of bucket {event.get('bucket', 'unknown')}"


def dedup(event):
    return f"{event.get('requester')}:{event.get('bucket')}"


def alert_context(event):
    return {
        **role_session(event.get("requester")),
        "bucket": event.get("bucket"),
        "key": event.get("key"),
        "bytes_sent": event.get("bytessent"),
        "source_ip": event.get("remoteip"),
        "user_agent": event.get("useragent"),
    }
