"""Write docs/data-models.md, the names that mean the same in every log type, from the built-in data models.

python scripts/data_model_docs.py           writes the page
python scripts/data_model_docs.py --check   exits with 1 where it is out of date
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pages import publish

from headwater.detect.load import builtin_path, load_pack

PAGE = Path(__file__).parents[1] / "docs" / "data-models.md"
VOCABULARY = {
    "actor_user": "who did it: a name, else an ARN",
    "actor_arn": "the ARN of who did it",
    "source_ip": "the address that it came from, where it is one",
    "source_port": "the port that it came from",
    "destination_ip": "the address that it went to",
    "destination_port": "the port that it went to",
    "hostname": "the host name that was asked for, or of the server",
    "url": "the URL, or its path",
    "http_method": "the method of the request",
    "http_status": "the status of the answer",
    "user_agent": "the client, as it calls itself",
    "account_id": "the AWS account that the row is about",
    "region": "the AWS region",
    "instance_id": "the EC2 instance",
    "event_name": "what happened, in the log type's own words",
    "event_type": "what happened, in the words of the next table; none for everything else",
    "user": "the user that something was done to",
    "assigned_admin_role": "the role or policy that makes an administrator",
    "mfa_used": "whether a sign-in used a second factor; none where the row does not say",
}
EVENT_TYPES = {
    "successful_login": "someone signed in",
    "failed_login": "a sign-in failed",
    "user_account_created": "a user was created",
    "admin_role_assigned": "someone was made an administrator",
    "mfa_disabled": "a second factor was removed",
}
HEAD = """# Data models

<!-- Written by scripts/data_model_docs.py from service/headwater/content/data_models; do not edit. -->

A data model gives the fields of a log type names that mean the same everywhere. A rule reads them by `event.udm(name)`
and then works for every log type that has them:

```python
def rule(event):
    return event.udm("event_type") == "failed_login"
```

`event.udm("source_ip")` gives `clientIp` of a load balancer and `$.httpRequest.clientIp` of a web ACL. A name that the
model of a log type lacks is read as a column of that name; without one it is `None`. A model of your own folder for a
log type stands in place of the one here. What it may hold: [detections.md](detections.md).

## Names

| Name | Means |
|---|---|
{names}
## Values of event_type

| Value | Means |
|---|---|
{event_types}
## Log types

`function` marks what Python of the model finds.
"""
TABLE = """
### {log_type}

| Name | From |
|---|---|
{rows}"""


def main() -> int:
    """Write the page, or compare it."""
    return publish({PAGE: rendered()})


def rendered() -> str:
    """The page. Raises: ValueError for a name that the vocabulary does not explain."""
    specs = [spec for spec in load_pack([builtin_path()]).specs if spec.kind == "datamodel"]
    models = {log_type: spec.data["Mappings"] for spec in specs for log_type in spec.data["LogTypes"]}
    tables = "".join(TABLE.format(log_type=name, rows=_rows(models[name])) for name in sorted(models))
    return HEAD.format(names=_table(VOCABULARY), event_types=_table(EVENT_TYPES)) + tables


def _table(meanings: Mapping[str, str]) -> str:
    return "".join(f"| `{name}` | {meaning} |\n" for name, meaning in meanings.items())


def _rows(mappings: list[Mapping[str, Any]]) -> str:
    return "".join(f"| {' | '.join(_cells(each))} |\n" for each in sorted(mappings, key=_position))


def _position(mapping: Mapping[str, Any]) -> int:
    return list(VOCABULARY).index(mapping["Name"])


def _cells(mapping: Mapping[str, Any]) -> Iterator[str]:
    yield f"`{mapping['Name']}`"
    yield f"`{mapping['Path']}`" if "Path" in mapping else "function"


if __name__ == "__main__":
    sys.exit(main())
