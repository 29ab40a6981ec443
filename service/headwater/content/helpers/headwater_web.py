"""What requests to web servers look like when they are attacks."""

import re
from urllib.parse import unquote_plus

# What the pre-filter may ask of a value alone; see docs/prefilter.md.
OF_VALUES = ("is_attack", "is_log4shell", "is_scanner", "is_secret_file")
DECODINGS_MAX = 3  # attackers encode twice to pass a filter that decodes once
# ${jndi: and its disguises, in which each letter may stand inside a lookup of its own: ${${lower:j}ndi:, ${${::-j}ndi:
LOOKUP_OF_LETTER = re.compile(r"\$\{[^${}]*[:\-]([a-z])\}")
JNDI = "${jndi:"
TRAVERSAL = re.compile(r"(?:^|[/\\=])\.\.[/\\].*\.\.[/\\]|/etc/(?:passwd|shadow)\b|\bwin\.ini\b|/proc/self/environ")
# Files that no web server means to give out. Source: OWASP WSTG, "Review old backup and unreferenced files".
SECRET_FILES = re.compile(
    r"/\.env(?:\.\w+)?\Z|/\.git/(?:config|HEAD)\Z|/\.aws/credentials\Z|/\.ssh/id_\w+\Z|/wp-config\.php(?:\.bak|~)\Z"
    r"|/\.(?:htpasswd|npmrc|pgpass|dockercfg)\Z|/\.docker/config\.json\Z|\.tfstate\Z|/id_rsa\Z"
)
SQL_INJECTION = re.compile(
    r"\bunion\s+(?:all\s+)?select\b|\bsleep\(\d+\)|\bbenchmark\(\d|\bxp_cmdshell\b|\bwaitfor\s+delay\b|'\s*or\s+'?1'?\s*=\s*'?1"
)
# Tools that name themselves in their user agent.
SCANNERS = (
    "acunetix",
    "dirbuster",
    "feroxbuster",
    "fuzz faster u fool",
    "gobuster",
    "masscan",
    "nessus",
    "netsparker",
    "nikto",
    "nuclei",
    "openvas",
    "qualys",
    "sqlmap",
    "w3af",
    "wfuzz",
    "wpscan",
    "zgrab",
)


def decoded(text):
    """A URL or header in lower case without percent encoding."""
    found = str(text or "").lower()
    for _ in range(DECODINGS_MAX if "%" in found or "+" in found else 0):
        plain = unquote_plus(found)
        if plain == found:
            break
        found = plain
    return found


def is_log4shell(*texts):
    """Whether a text holds a JNDI lookup, as exploits of CVE-2021-44228 do."""
    return any(_holds_jndi(decoded(text)) for text in texts if text and ("$" in text or "%" in text))


def _holds_jndi(text):
    return "${" in text and (JNDI in text or JNDI in LOOKUP_OF_LETTER.sub(r"\1", text))


def attack(url):
    """The name of the attack that a URL is: "JNDI lookup", "path traversal", "SQL injection"; "" for none."""
    text = decoded(url)
    if is_log4shell(text):
        return "JNDI lookup"
    if TRAVERSAL.search(text):
        return "path traversal"
    return "SQL injection" if SQL_INJECTION.search(text) else ""


def is_secret_file(path):
    """Whether the path of a URL is a file that holds secrets."""
    return SECRET_FILES.search(decoded(path).partition("?")[0].partition("#")[0]) is not None


def is_attack(url):
    """Whether a URL is an attack."""
    return attack(url) != ""


def is_scanner(agent):
    """Whether a user agent names a scanner."""
    return scanner(agent) != ""


def scanner(agent):
    """The scanner that a user agent names; "" for none."""
    text = str(agent).lower()
    return next((name for name in SCANNERS if name in text), "")
