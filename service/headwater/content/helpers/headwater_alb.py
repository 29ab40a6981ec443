"""What rows of an application load balancer's access log mean."""

from headwater_web import is_secret_file

# What the pre-filter may ask of a value alone; see docs/prefilter.md.
OF_VALUES = ("serves_secret_file",)


def name(event):
    """The load balancer's own name: shop of app/shop/0123456789abcdef."""
    parts = str(event.get("elb")).split("/")
    return parts[1] if len(parts) == 3 else parts[0]


def path(url):
    """The path of a URL, without host and query."""
    rest = str(url).partition("://")[2].partition("?")[0]
    return "/" + rest.partition("/")[2]


def serves_secret_file(url):
    """Whether a URL leads to a file that holds secrets."""
    return is_secret_file(path(url))


def context(event):
    """The fields of a row that answer who asked for what, and what came back."""
    names = ("elb", "requestHttpMethod", "requestUrl", "elbStatusCode", "targetStatusCode", "targetIp", "sentBytes")
    return {
        "account": event.get("p_account_id"),
        "source_ip": event.get("clientIp"),
        "user_agent": event.get("userAgent"),
        "host": event.get("domainName"),
        "trace_id": event.get("traceId"),
        **{name: event.get(name) for name in names},
    }
