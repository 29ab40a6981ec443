"""Grok patterns on RE2: %{NAME} stands for a pattern, %{NAME:field} for a group that takes the text of a field."""

from __future__ import annotations

import re
from collections.abc import Mapping

USE = re.compile(r"%\{(?P<name>[A-Za-z0-9_]+)(?::(?P<field>[^{}:]+))?(?::[a-z]+)?\}")
GROUP = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
TOKEN = re.compile(r"\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]|\((?!\?)|\(\?<(?![=!])", re.DOTALL)
MAX_LENGTH = 50_000  # characters of an expanded pattern; nested definitions can multiply

PATTERNS: Mapping[str, str] = {
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "WORD": r"\b\w+\b",
    "NOTDQUOTE": r'[^"]*',
    "QUOTEDSTRING": r'"(?:\\.|[^\\"])*"|\'(?:\\.|[^\\\'])*\'',
    "QS": r"%{QUOTEDSTRING}",
    "INT": r"[+-]?[0-9]+",
    "POSINT": r"\b[1-9][0-9]*\b",
    "NONNEGINT": r"\b[0-9]+\b",
    "BASE10NUM": r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)",
    "NUMBER": r"%{BASE10NUM}",
    "BASE16NUM": r"[+-]?(?:0x)?[0-9A-Fa-f]+",
    "BOOLEAN": r"(?i:true|false)",
    "UUID": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "USERNAME": r"[a-zA-Z0-9._-]+",
    "USER": r"%{USERNAME}",
    "EMAILLOCALPART": r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]+",
    "EMAILADDRESS": r"%{EMAILLOCALPART}@%{HOSTNAME}",
    "MAC": r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}",
    "IPV4": r"\b(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\b",
    "IPV6": r"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|%{IPV4})?(?:%[0-9A-Za-z]+)?",
    "IP": r"%{IPV6}|%{IPV4}",
    "HOSTNAME": r"\b[0-9A-Za-z_](?:[0-9A-Za-z_-]{0,62})(?:\.[0-9A-Za-z_][0-9A-Za-z_-]{0,62})*\.?",
    "HOST": r"%{HOSTNAME}",
    "IPORHOST": r"%{IP}|%{HOSTNAME}",
    "HOSTPORT": r"%{IPORHOST}:%{POSINT}",
    "PATH": r"%{UNIXPATH}|%{WINPATH}",
    "UNIXPATH": r"(?:/[^/\s]*)+",
    "WINPATH": r"(?:[A-Za-z]:|\\)(?:\\[^\\?*\s]*)+",
    "TTY": r"/dev/(?:pts|tty)[a-z0-9/]*",
    "URIPROTO": r"[A-Za-z][A-Za-z0-9+.-]*",
    "URIHOST": r"%{IPORHOST}(?::[0-9]+)?",
    "URIPATH": r"(?:/[^?#\s]*)+",
    "URIPARAM": r"\?[^#\s]*",
    "URIPATHPARAM": r"%{URIPATH}(?:%{URIPARAM})?",
    "URI": r"%{URIPROTO}://(?:[^@/\s]*@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?",
    "MONTH": r"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b",
    "MONTHNUM": r"0?[1-9]|1[0-2]",
    "MONTHDAY": r"0[1-9]|[12][0-9]|3[01]|[1-9]",
    "DAY": r"\b(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)\b",
    "YEAR": r"[0-9]{4}|[0-9]{2}",
    "HOUR": r"2[0-3]|[01]?[0-9]",
    "MINUTE": r"[0-5][0-9]",
    "SECOND": r"(?:[0-5]?[0-9]|60)(?:[.,:][0-9]+)?",
    "TIME": r"%{HOUR}:%{MINUTE}(?::%{SECOND})?",
    "DATE_US": r"%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}",
    "DATE_EU": r"%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}",
    "DATE": r"%{DATE_US}|%{DATE_EU}",
    "DATESTAMP": r"%{DATE}[- ]%{TIME}",
    "TZ": r"[A-Z]{3,4}",
    "ISO8601_TIMEZONE": r"Z|[+-]%{HOUR}(?::?%{MINUTE})?",
    "TIMESTAMP_ISO8601": r"[0-9]{4}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?"
    r"(?:%{ISO8601_TIMEZONE})?",
    "HTTPDATE": r"%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}",
    "SYSLOGTIMESTAMP": r"%{MONTH} +%{MONTHDAY} %{TIME}",
    "PROG": r"[^\s\[\]:]+",
    "SYSLOGPROG": r"%{PROG}(?:\[%{POSINT}\])?",
    "SYSLOGHOST": r"%{IPORHOST}",
    "LOGLEVEL": r"(?i:trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe"
    r"|alert|emerg(?:ency)?)",
}


class GrokError(ValueError):
    """A pattern that cannot be expanded; its text says why."""


def expand(pattern: str, definitions: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The RE2 pattern, and the wire name by group for names that no group can have, or that come twice.

    Raises: GrokError.
    """
    known = {**PATTERNS, **definitions}
    names: dict[str, str] = {}
    return _expanded(pattern, known, names, ()), names


def _expanded(pattern: str, known: Mapping[str, str], names: dict[str, str], inside: tuple[str, ...]) -> str:
    pieces, start = [], 0
    for use in USE.finditer(pattern):
        pieces.append(pattern[start : use.start()])
        pieces.append(_group(use["name"], use["field"], known, names, inside))
        start = use.end()
    expanded = "".join([*pieces, pattern[start:]])
    if len(expanded) > MAX_LENGTH:
        raise GrokError(f"the pattern grows beyond {MAX_LENGTH:,} characters")
    return expanded


def _group(
    name: str, field: str | None, known: Mapping[str, str], names: dict[str, str], inside: tuple[str, ...]
) -> str:
    if name not in known:
        raise GrokError(f"no pattern {name!r}")
    if name in inside:
        raise GrokError(f"pattern {name} is made of itself")
    inner = _expanded(known[name], known, names, (*inside, name))
    return f"(?:{inner})" if field is None else f"(?P<{group_of(field, names)}>{inner})"


def group_of(field: str, names: dict[str, str]) -> str:
    """A free group for a wire name, noted in `names`."""
    group = field if GROUP.match(field) and field not in names else f"g{len(names)}_"
    names[group] = field
    return group


def named_only(pattern: str) -> str:
    """The pattern with groups without a name made such that they take no text, which Arrow demands."""
    return TOKEN.sub(_named, pattern)


def _named(found: re.Match[str]) -> str:
    return {"(": "(?:", "(?<": "(?P<"}.get(found[0], found[0])
