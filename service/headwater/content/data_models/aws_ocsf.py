"""OCSF rows in the words of the unified data model.

Source: schema.ocsf.io, classes Authentication and Account Change.
"""

AUTHENTICATION = 3002
ACCOUNT_CHANGE = 3001
LOGON = 1
SUCCESS = 1
FAILURE = 2
CREATE = 1
DISABLE_SECOND_FACTOR = 11


def actor_user(event):
    """Who did it; of a sign-in the user who signs in."""
    if event.get("class_uid") == AUTHENTICATION:
        return (
            event.deep_get("user", "name") or event.deep_get("user", "uid") or event.deep_get("actor", "user", "name")
        )
    return event.deep_get("actor", "user", "name") or event.deep_get("actor", "user", "uid")


def hostname(event):
    """The host name that a request or a query asks for."""
    return event.deep_get("http_request", "url", "hostname") or event.deep_get("query", "hostname")


def event_name(event):
    """The API operation, else the activity."""
    return event.deep_get("api", "operation") or event.get("activity_name")


def event_type(event):
    """The kind of event that different log types have in common."""
    if event.get("class_uid") == AUTHENTICATION and event.get("activity_id") == LOGON:
        if event.get("status_id") == SUCCESS:
            return "successful_login"
        return "failed_login" if event.get("status_id") == FAILURE else None
    if event.get("class_uid") != ACCOUNT_CHANGE or event.get("status_id") != SUCCESS:
        return None
    if event.get("activity_id") == CREATE:
        return "user_account_created"
    return "mfa_disabled" if event.get("activity_id") == DISABLE_SECOND_FACTOR else None


def mfa_used(event):
    """Whether a second factor was used; None where the row does not say."""
    said = (event.get("is_mfa"), event.get("mfa"), event.deep_get("actor", "session", "is_mfa"))
    return next((value for value in said if isinstance(value, bool)), None)
