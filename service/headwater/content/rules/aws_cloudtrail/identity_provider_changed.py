"""Who may sign in from outside was changed."""

from headwater_aws import by_aws_service, by_infrastructure_code, context, grouping, headline, request, succeeded

NAMES = (
    "AddClientIDToOpenIDConnectProvider",
    "CreateOpenIDConnectProvider",
    "CreateSAMLProvider",
    "CreateTrustAnchor",
    "DeleteOpenIDConnectProvider",
    "DeleteSAMLProvider",
    "UpdateOpenIDConnectProviderThumbprint",
    "UpdateSAMLProvider",
    "UpdateTrustAnchor",
)


def rule(event):
    if event.get("eventName") not in NAMES or not succeeded(event):
        return False
    return by_infrastructure_code(event) or not by_aws_service(event)


def provider(event):
    keys = ("sAMLProviderArn", "openIDConnectProviderArn", "trustAnchorId", "url", "name")
    return next((found for found in (request(event, key) for key in keys) if found), "a provider")


def title(event):
    return headline(event, f"called {event.get('eventName')} on {provider(event)}")


def severity(event):
    return "LOW" if by_infrastructure_code(event) else "DEFAULT"


def dedup(event):
    return grouping(event, provider(event))


def alert_context(event):
    return {**context(event), "provider": provider(event)}
