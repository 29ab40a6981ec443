"""CloudFront's access log in the words of the unified data model."""


def hostname(event):
    """The host name that the client asked for, else the distribution's."""
    return event.get("x_host_header") or event.get("cs_host")
