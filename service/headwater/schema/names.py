"""What the name of a field tells about its values, for inference."""

from __future__ import annotations

import re


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
TIME_WORDS = _set(
    "time timestamp ts date datetime at when epoch created updated modified changed started ended start end begin "
    "finished expires expiry expiration seen published received occurred logged"
)
# Words beside which a number is no instant, and a text of digits is no number.
MEASURES = _set("duration timeout elapsed latency count size bytes port version zone length interval ttl id")
ID_WORDS = _set("id ids uid uuid guid account acct zip zipcode postal postcode phone mobile fax serial version")
SECRET_WORDS = _set(
    "password passwd pwd secret token key apikey credential credentials auth authorization cookie session signature "
    "passphrase private pin ssn"
)
USERNAMES = _set("user username loginname login accountname samaccountname loginuser")
TRACES = _set(
    "requestid traceid spanid correlationid transactionid xrequestid xamznrequestid xamzntraceid amzrequestid"
)
# Names of the time at which an event happened, the likeliest first.
EVENT_TIMES = (
    *("eventtime", "eventtimestamp", "timestamp", "time", "datetime", "ts", "eventdate", "date", "logtime"),
    *("logtimestamp", "occurredat", "occurred", "when", "starttime", "start", "createdat", "created", "creationtime"),
)


def words(name: str) -> frozenset[str]:
    """`sourceIPAddress` → source, ip, address."""
    return frozenset(word.lower() for word in WORD.findall(name))


def plain(name: str) -> str:
    """Letters and digits alone, in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_time(name: str) -> bool:
    """Whether a number under this name may be an instant."""
    told = words(name)
    return bool(told & TIME_WORDS) and not told & MEASURES


def is_id(name: str) -> bool:
    """Whether texts of digits under this name are no numbers."""
    return bool(words(name) & ID_WORDS) or plain(name).endswith("id")


def is_secret(name: str) -> bool:
    """Whether values of this field should not be shown."""
    return bool(words(name) & SECRET_WORDS)


def event_time_rank(name: str) -> int:
    """How likely the field is the event's time; less is likelier."""
    short = plain(name)
    if short in EVENT_TIMES:
        return EVENT_TIMES.index(short)
    return len(EVENT_TIMES) + (0 if words(name) & {"time", "timestamp"} else 1)
