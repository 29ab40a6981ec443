"""A known attack tool made a call."""

from headwater_aws import context, grouping, headline, principal

# The calls with which such tools begin: looking at all of an account's rows for a word would cost too much.
NAMES = (
    "AssumeRole",
    "DescribeInstances",
    "DescribeRegions",
    "GetAccountAuthorizationDetails",
    "GetAccountSummary",
    "GetCallerIdentity",
    "GetSendQuota",
    "GetUser",
    "ListAccessKeys",
    "ListAccounts",
    "ListBuckets",
    "ListFunctions20150331",
    "ListRoles",
    "ListSecrets",
    "ListUsers",
    "SimulatePrincipalPolicy",
)
TOOLS = (
    "aws_consoler",
    "aws_pwn",
    "blackarch",
    "cloudfox",
    "enumerate-iam",
    "kali",
    "leonidas",
    "pacu",
    "parrot",
    "pentoo",
    "stratus-red-team",
    "trufflehog",
)


def rule(event):
    return event.get("eventName") in NAMES and any(name in agent(event) for name in TOOLS)


def agent(event):
    return (event.get("userAgent") or "").lower()


def tool(event):
    return next((name for name in TOOLS if name in agent(event)), "")


def title(event):
    return headline(event, f"uses {tool(event)}")


def dedup(event):
    return grouping(event, principal(event), tool(event))


def alert_context(event):
    return {**context(event), "tool": tool(event)}
