"""AWS Security Hub: the alert as a finding (ASFF), archived when it is resolved."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import Field

from headwater.destinations.amazon import AwsSettings, api
from headwater.destinations.destination import Destination
from headwater.destinations.form import account, plain, web_url
from headwater.destinations.kind import ResolveSecret
from headwater.destinations.message import Message, fitted, utc_text
from headwater.destinations.text import cut
from headwater.errors import DeliveryFailed, DeliveryRefused

MAX_FINDING = 240_000  # BatchImportFindings: 240 KB a finding
# ASFF, "Required attributes" and "Optional top-level attributes": characters
MAX_TITLE, MAX_DESCRIPTION, MAX_RECOMMENDATION, MAX_ID, MAX_VALUE = 256, 1024, 512, 512, 2048
LABELS = {"INFO": "INFORMATIONAL", "LOW": "LOW", "MEDIUM": "MEDIUM", "HIGH": "HIGH", "CRITICAL": "CRITICAL"}
LATER = frozenset({"InternalException", "LimitExceededException", "ThrottlingException"})


class Settings(AwsSettings):
    """Security Hub of one account and region; it takes findings of that account only."""

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$", description="Region of Security Hub.")
    account_id: str = Field(pattern=r"^[0-9]{12}$", description="Account whose Security Hub it is.")
    partition: str = Field("aws", pattern=r"^aws(-cn|-us-gov)?$", description="aws, aws-us-gov or aws-cn.")

    @property
    def product_arn(self) -> str:
        """The account's own product, which every Security Hub has."""
        return f"arn:{self.partition}:securityhub:{self.region}:{self.account_id}:product/{self.account_id}/default"


class SecurityHub:
    """One account's Security Hub in one region."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self._settings = settings
        self._api = api("securityhub", settings, settings.region)

    def send(self, message: Message) -> None:
        """Import the finding; when the alert is resolved archive it and set its workflow to RESOLVED."""
        arn = self._settings.product_arn
        made = fitted(message, lambda shorter: finding(shorter, self._settings), _size, MAX_FINDING)
        answer = self._api(
            "batch_import_findings", f"import a finding to {arn}", f"securityhub:BatchImportFindings on {arn}",
            Findings=[made],
        )  # fmt: skip
        self._check(answer.get("FailedFindings", []), "import")
        status = {"resolved": "RESOLVED", "reopened": "NEW"}.get(message.action)
        if status:
            self._set_workflow(made["Id"], status, message)

    def _set_workflow(self, finding_id: str, status: str, message: Message) -> None:
        """An import cannot change the workflow of a finding that exists."""
        arn = self._settings.product_arn
        arguments: dict[str, Any] = {
            "FindingIdentifiers": [{"Id": finding_id, "ProductArn": arn}],
            "Workflow": {"Status": status},
        }
        if message.note:
            arguments["Note"] = {"Text": cut(message.note, 512), "UpdatedBy": "headwater"}
        grant = "securityhub:BatchUpdateFindings"
        answer = self._api("batch_update_findings", f"set the workflow of a finding of {arn}", grant, **arguments)
        self._check(answer.get("UnprocessedFindings", []), "update")

    def _check(self, failed: list[dict[str, str]], doing: str) -> None:
        for one in failed:
            code = one.get("ErrorCode", "")
            said = f"{doing} of a finding to {self._settings.product_arn}: {code} {one.get('ErrorMessage', '')}"
            raise DeliveryFailed(said) if code in LATER or code == "FindingNotFound" else DeliveryRefused(said)


def make(name: str, config: Settings, _resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return SecurityHub(name, config)


def finding(message: Message, settings: Settings) -> dict[str, Any]:
    """The alert in the AWS Security Finding Format."""
    severity = {"Label": LABELS.get(message.severity, "MEDIUM"), "Original": message.severity}
    kind = "Unusual Behaviors/Application/Headwater" if message.kind == "HEALTH" else "TTPs/Headwater"
    made: dict[str, Any] = {
        "SchemaVersion": "2018-10-08",
        "Id": cut(f"headwater/{message.alert_id}", MAX_ID),
        "ProductArn": settings.product_arn,
        "GeneratorId": cut(message.rule_id, MAX_ID),
        "AwsAccountId": settings.account_id,
        "CreatedAt": utc_text(message.created_at),
        "UpdatedAt": utc_text(message.updated_at),
        "FirstObservedAt": utc_text(message.first_event_at),
        "LastObservedAt": utc_text(message.last_event_at),
        "FindingProviderFields": {"Severity": severity, "Types": [kind]},
        "Title": cut(message.title, MAX_TITLE),
        "Description": cut(message.description or plain(message, 200), MAX_DESCRIPTION),
        "ProductFields": _product_fields(message),
        "Resources": [_resource(message, settings)],
        "RecordState": "ARCHIVED" if message.action == "resolved" else "ACTIVE",
        "Workflow": {"Status": "RESOLVED" if message.action == "resolved" else "NEW"},
    }
    if message.runbook or web_url(message.reference):
        made["Remediation"] = {"Recommendation": _recommendation(message)}
    return made | ({"SourceUrl": message.link} if web_url(message.link) else {})


def _recommendation(message: Message) -> dict[str, str]:
    url = web_url(message.reference)
    named = {"Text": cut(message.runbook, MAX_RECOMMENDATION), "Url": url if len(url) <= MAX_RECOMMENDATION else ""}
    return {name: value for name, value in named.items() if value}


def _product_fields(message: Message) -> dict[str, str]:
    named = {
        "Account": account(message),
        "Actor": message.actor,
        "From": message.address,
        "LogType": message.log_type,
        "Source": message.source,
        "Matches": str(message.match_count),
        "Dedup": message.dedup,
        "Tags": ", ".join(message.tags),
        "IdempotencyKey": message.idempotency_key,
        "Context": orjson.dumps(message.context).decode() if message.context else "",
        "SampleEvent": orjson.dumps(message.event).decode() if message.event else "",
    }
    return {f"headwater/{name}": cut(value, MAX_VALUE) for name, value in named.items() if value}


def _resource(message: Message, settings: Settings) -> dict[str, Any]:
    """The account the alert is about: what an alert names beyond that stands in its fields."""
    number = message.account_id or settings.account_id
    made = {"Type": "AwsAccount", "Id": f"AWS::::Account:{number}", "Partition": settings.partition}
    return made | ({"Region": message.region} if _is_region(message.region) else {})


def _is_region(text: str) -> bool:
    return 0 < len(text) <= 16 and all(char.isalnum() or char == "-" for char in text)


def _size(made: dict[str, Any]) -> int:
    return len(orjson.dumps(made))
