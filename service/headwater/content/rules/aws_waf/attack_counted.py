"""A rule that recognises an attack matched a request that the web ACL allowed."""

from headwater_aws import mappings
from headwater_waf import acl, client, context

CONDITIONS = ("SQL_INJECTION", "XSS")
# Source: AWS WAF developer guide, "AWS Managed Rules rule groups list": the labels of each rule.
LABELS = (
    ":SQLi_",
    ":SQLiExtendedPatterns_",
    ":CrossSiteScripting_",
    ":Log4JRCE_",
    ":JavaDeserializationRCE_",
    ":GenericLFI_",
)


def rule(event):
    if event.get("action") != "ALLOW":
        return False
    return bool(counted(event))


def counted(event):
    """The names of attack rules and labels that the request met."""
    rules = mappings(event.get("nonTerminatingMatchingRules"))
    found = [str(one.get("ruleId")) for one in rules if _is_attack(one)]
    labels = [str(one.get("name")) for one in mappings(event.get("labels"))]
    return found + [label for label in labels if any(part in label for part in LABELS)]


def _is_attack(matched):
    return any(one.get("conditionType") in CONDITIONS for one in mappings(matched.get("ruleMatchDetails")))


def title(event):
    return f"Web ACL {acl(event)} counts attacks of {client(event)} but lets them through"


def dedup(event):
    return f"{event.get('webaclId')}:{client(event)}"


def alert_context(event):
    return {**context(event), "counted": counted(event)}
