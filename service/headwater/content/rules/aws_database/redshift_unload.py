"""A table was unloaded from Redshift to a bucket."""

import re

UNLOAD = re.compile(r"\s*(?:/\*.*?\*/\s*)?unload\s*\(.*\)\s*to\s*'(s3://[^']*)'", re.IGNORECASE | re.DOTALL)


def rule(event):
    if event.get("log") != "useractivity":
        return False
    return UNLOAD.match(str(event.get("query"))) is not None


def place(event):
    """Where the data went."""
    return UNLOAD.match(event.get("query"))[1]


def title(event):
    return f"{event.get('username')} unloaded data of database {event.get('dbname')} to {place(event)}"


def dedup(event):
    return f"{event.get('p_account_id')}:{event.get('username')}:{place(event).split('/')[2]}"


def alert_context(event):
    return {
        "actor": event.get("username"),
        "account": event.get("p_account_id"),
        "database": event.get("dbname"),
        "place": place(event),
        "query": event.get("query"),
    }
