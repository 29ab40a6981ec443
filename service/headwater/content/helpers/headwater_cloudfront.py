"""What rows of CloudFront's access log mean."""


def site(event):
    """The host name that the client asked for, else the distribution's."""
    return event.get("x_host_header") or event.get("cs_host") or event.get("distribution_id") or "unknown site"


def context(event):
    """The fields of a row that answer who asked for what, and what came back."""
    names = ("cs_method", "cs_uri_stem", "cs_uri_query", "sc_status", "sc_bytes", "x_edge_result_type", "c_country")
    return {
        "account": event.get("p_account_id"),
        "source_ip": event.get("c_ip"),
        "user_agent": event.get("cs_user_agent"),
        "host": site(event),
        "request_id": event.get("x_edge_request_id"),
        **{name: event.get(name) for name in names},
    }
