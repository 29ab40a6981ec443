"""IAM was read by a client that seldom does; the threshold makes many different calls one alert."""

from headwater_aws import by_aws_service, by_infrastructure_code, context, grouping, headline, principal

NAMES = (
    "GetAccountAuthorizationDetails",
    "GetAccountPasswordPolicy",
    "GetAccountSummary",
    "GetLoginProfile",
    "GetPolicyVersion",
    "GetRolePolicy",
    "GetUserPolicy",
    "ListAccessKeys",
    "ListAttachedGroupPolicies",
    "ListAttachedRolePolicies",
    "ListAttachedUserPolicies",
    "ListEntitiesForPolicy",
    "ListGroups",
    "ListGroupsForUser",
    "ListInstanceProfiles",
    "ListMFADevices",
    "ListOpenIDConnectProviders",
    "ListPolicies",
    "ListRolePolicies",
    "ListRoles",
    "ListSAMLProviders",
    "ListUserPolicies",
    "ListUsers",
    "SimulatePrincipalPolicy",
)
CONSOLE = ("AWS Internal", "Mozilla/", "aws-internal", "console.amazonaws.com", "signin.amazonaws.com")


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "iam.amazonaws.com":
        return False
    if by_aws_service(event) or by_infrastructure_code(event) or event.get("sessionCredentialFromConsole") == "true":
        return False
    return not any(mark in str(event.get("userAgent")) for mark in CONSOLE)


def title(event):
    return headline(event, f"enumerates IAM by {event.get('userAgent')}")


def dedup(event):
    return grouping(event, principal(event))


def unique(event):
    return str(event.get("eventName"))


def alert_context(event):
    return context(event)
