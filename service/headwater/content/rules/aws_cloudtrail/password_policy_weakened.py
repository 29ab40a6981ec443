"""The account's password policy was weakened."""

from headwater_aws import context, grouping, headline, request, succeeded

LENGTH_MIN = 8  # what AWS asks for in an account without a policy
NAMES = ("DeleteAccountPasswordPolicy", "UpdateAccountPasswordPolicy")


def rule(event):
    return event.get("eventName") in NAMES and succeeded(event) and bool(weakness(event))


def weakness(event):
    """What is weak about the policy from now on."""
    if event.get("eventName") == "DeleteAccountPasswordPolicy":
        return "none of its own"
    length = request(event, "minimumPasswordLength")
    if not isinstance(length, int) or length < LENGTH_MIN:
        return f"passwords of {length if isinstance(length, int) else 6} characters"
    return "" if request(event, "passwordReusePrevention") else "passwords that may be used again"


def title(event):
    return headline(event, f"weakened the password policy: {weakness(event)}")


def dedup(event):
    return grouping(event)


def alert_context(event):
    return {**context(event), "weakness": weakness(event)}
