"""A registered domain was unlocked, moved or redirected."""

from headwater_aws import context, grouping, headline, request, succeeded

# Route 53 Domains writes names of calls with a small or a capital letter, by age of the record.
NAMES = (
    "DeleteDomain",
    "DisableDomainTransferLock",
    "RetrieveDomainAuthCode",
    "TransferDomainToAnotherAwsAccount",
    "UpdateDomainNameservers",
    "deleteDomain",
    "disableDomainTransferLock",
    "retrieveDomainAuthCode",
    "transferDomainToAnotherAwsAccount",
    "updateDomainNameservers",
)


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "route53domains.amazonaws.com":
        return False
    return succeeded(event)


def domain(event):
    return request(event, "domainName", "name") or request(event, "domainName", default="a domain")


def title(event):
    return headline(event, f"called {event.get('eventName')} on {domain(event)}")


def dedup(event):
    return grouping(event, domain(event))


def alert_context(event):
    return {**context(event), "domain": domain(event)}
