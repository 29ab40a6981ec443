"""What rows of AWS WAF's log mean."""

from headwater_aws import mappings


def acl(event):
    """The name of the web ACL: WAF gives its ARN, WAF Classic its id."""
    text = str(event.get("webaclId"))
    return text.split("/")[-2] if text.count("/") >= 2 else text


def client(event):
    """The address that WAF saw as the client's: of the load balancer's or CloudFront's peer."""
    return event.deep_get("httpRequest", "clientIp", default="unknown address")


def headers(event):
    """The request's headers by lower-case name; the last one where a name stands twice."""
    found = mappings(event.deep_get("httpRequest", "headers"))
    return {str(one.get("name")).lower(): str(one.get("value")) for one in found}


def context(event):
    """The fields of a row that answer who asked for what, and what the web ACL did."""
    names = ("uri", "args", "httpMethod", "country", "requestId")
    sent = headers(event)
    return {
        "account": event.get("p_account_id"),
        "source_ip": event.deep_get("httpRequest", "clientIp"),
        "user_agent": sent.get("user-agent"),
        "host": sent.get("host"),
        "web_acl": event.get("webaclId"),
        "action": event.get("action"),
        "rule": event.get("terminatingRuleId"),
        "details": event.get("terminatingRuleMatchDetails"),
        **{name: event.deep_get("httpRequest", name) for name in names},
    }
