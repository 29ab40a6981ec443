"""A function can be called by outsiders."""

from headwater_aws import account, account_of, by_infrastructure_code, context, grouping, headline, request, succeeded

# Lambda adds the version of its API to the names of calls.
PERMISSION_CALLS = ("AddPermission20150331", "AddPermission20150331v2")
NAMES = (*PERMISSION_CALLS, "CreateFunctionUrlConfig", "UpdateFunctionUrlConfig")
EVERYONE = "everyone"


def rule(event):
    if event.get("eventName") not in NAMES or event.get("eventSource") != "lambda.amazonaws.com":
        return False
    return succeeded(event) and bool(outsider(event))


def outsider(event):
    """Who may call the function from now on: "everyone", an account, or "" where nobody outside."""
    if event.get("eventName") not in PERMISSION_CALLS:
        return EVERYONE if request(event, "authType") == "NONE" else ""
    principal = str(request(event, "principal"))
    if principal == "*":
        narrowed = any(request(event, key) for key in ("principalOrgID", "sourceAccount", "sourceArn"))
        return "" if narrowed else EVERYONE
    return account_of(principal) if account_of(principal) != account(event) else ""


def title(event):
    return headline(event, f"let {outsider(event)} call function {request(event, 'functionName')}")


def severity(event):
    if by_infrastructure_code(event):
        return "LOW"
    return "HIGH" if outsider(event) == EVERYONE else "DEFAULT"


def dedup(event):
    return grouping(event, str(request(event, "functionName")).rpartition(":")[2])


def alert_context(event):
    return {**context(event), "outsider": outsider(event)}
