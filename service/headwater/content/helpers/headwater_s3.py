"""What rows of the S3 server access log mean."""


def who(event):
    """The requester, or the address of one without credentials."""
    return event.get("requester") or f"anonymous from {event.get('remoteip', 'unknown address')}"


def context(event):
    """The fields of a row that answer who, what and from where."""
    names = ("bucket", "key", "operation", "httpstatus", "errorcode", "bytessent", "authenticationtype", "versionid")
    return {
        "actor": who(event),
        "actor_arn": event.get("requester"),
        "account": event.get("p_account_id"),
        "source_ip": event.get("remoteip"),
        "user_agent": event.get("useragent"),
        "request": event.get("requesturi"),
        **{name: event.get(name) for name in names},
    }
