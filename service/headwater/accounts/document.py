"""The shape of accounts.yml: one model per mapping, each text checked for its syntax.

Every message of a check here is written for the person who edits the file; `fix` says what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from headwater.accounts.model import Notifications
from headwater.accounts.names import REGION

ARN = r"arn:aws[a-z-]*"
IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+\Z")
DURATION = re.compile(r"([1-9]\d{0,5})([mhdw])\Z")
UNIT_S = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
SILENCE_MIN_S, SILENCE_MAX_S = 600, 366 * 86_400
NEVER = "never"
MAX_PREFIX_BYTES = 512
MAX_SHOWN = 120


def _matching(pattern: str, message: str, fix: str = "") -> Callable[[str], str]:
    compiled = re.compile(rf"(?:{pattern})\Z")

    def check(text: str) -> str:
        if not compiled.match(text):
            raise _error(f"{_short(text)} {message}", fix)
        return text

    return check


def _short(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…")


def _error(message: str, fix: str = "") -> PydanticCustomError:
    return PydanticCustomError("headwater", "{message}", {"message": message, "fix": fix})


def _account_id(value: Any) -> Any:
    """YAML reads an unquoted id as a number and drops its leading zeros."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise _error("an account id without quotes is read as a number", f'write "{value:012d}", with the quotes')
    return value


def _bucket(text: str) -> str:
    if text.startswith(("s3://", "arn:")):
        raise _error(f"{text!r} is not a bucket name", "write the bare name, without s3:// or arn:")
    if IP_ADDRESS.match(text) or ".." in text or not re.match(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z", text):
        raise _error(
            f"{text!r} cannot be a bucket name",
            "3 to 63 of a-z, 0-9, hyphen and single dots, with a letter or digit at both ends",
        )
    return text


def _prefix(text: str) -> str:
    if text.startswith("/"):
        raise _error("keys in S3 do not begin with a slash", f"write {text.lstrip('/')!r}")
    if "*" in text or "?" in text:
        raise _error("a prefix is taken literally: no wildcards", "cut it before the wildcard, and use `exclude`")
    if "$" in text or not text.isprintable():
        raise _error(
            "a prefix with $ or a control character cannot be written into an IAM policy", "cut it before that"
        )
    if len(text.encode()) > MAX_PREFIX_BYTES:
        raise _error(f"a prefix may have {MAX_PREFIX_BYTES} bytes")
    return text


def _region(text: str) -> str:
    if not REGION.match(text):
        raise _error(f"{text!r} is not an AWS region", "e.g. eu-central-1, us-gov-west-1, cn-north-1")
    return text


def _kms_key(text: str) -> str:
    if ":alias/" in text:
        raise _error("an alias cannot be granted in a policy", "write the ARN of the key itself: arn:…:key/<key id>")
    return _matching(rf"{ARN}:kms:[a-z0-9-]+:\d{{12}}:key/[A-Za-z0-9-]+", "is not the ARN of a KMS key")(text)


def _topic(text: str) -> str:
    if text.endswith(".fifo"):
        raise _error("S3 cannot notify a FIFO topic", "use a standard topic")
    return _matching(rf"{ARN}:sns:[a-z0-9-]+:\d{{12}}:[A-Za-z0-9_-]{{1,256}}", "is not the ARN of an SNS topic")(text)


def seconds(text: str) -> int:
    """The seconds of a checked duration; 0 for `never`."""
    found = DURATION.match(text)
    return int(found[1]) * UNIT_S[found[2]] if found else 0


def _duration(text: str) -> str:
    if text != NEVER and not SILENCE_MIN_S <= seconds(text) <= SILENCE_MAX_S:
        raise _error(f"{_short(text)} is no time from 10m to 366d", "write 90m, 6h, 2d or 1w, or never")
    return text


Severity = Literal["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"]
ROLE_CHARACTERS = r"[A-Za-z0-9+=,.@_-]"
ROLE_PATH = rf"/(?:{ROLE_CHARACTERS}+/)*"
AccountId = Annotated[
    str,
    BeforeValidator(_account_id),
    AfterValidator(_matching(r"\d{12}", "is not an account id", "12 digits in quotes")),
]
Bucket = Annotated[str, AfterValidator(_bucket)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Region = Annotated[str, AfterValidator(_region)]
KmsKeyArn = Annotated[str, AfterValidator(_kms_key)]
TopicArn = Annotated[str, AfterValidator(_topic)]
RoleName = Annotated[
    str,
    AfterValidator(
        _matching(rf"{ROLE_CHARACTERS}+", "cannot be a role name", "letters, digits and any of + = , . @ _ -")
    ),
]
RolePath = Annotated[
    str, AfterValidator(_matching(ROLE_PATH, "is not an IAM path", "it begins and ends with a slash: /corp/"))
]
RoleArn = Annotated[
    str,
    AfterValidator(
        _matching(
            rf"{ARN}:iam::\d{{12}}:role{ROLE_PATH}{ROLE_CHARACTERS}{{1,64}}",
            "is not the ARN of an IAM role",
            "arn:aws:iam::<account id>:role/<path and name>",
        )
    ),
]
BoundaryArn = Annotated[
    str, AfterValidator(_matching(rf"{ARN}:iam::(?:\d{{12}}|aws):policy/.+", "is not the ARN of an IAM policy"))
]
ExternalId = Annotated[
    str,  # IAM: 2 to 1,224 of these characters
    AfterValidator(
        _matching(r"[A-Za-z0-9_+=,.@:/-]{2,1224}", "cannot be an ExternalId", "2 to 1224 letters, digits or _+=,.@:/-")
    ),
]
OrganizationId = Annotated[
    str,
    AfterValidator(_matching(r"o-[a-z0-9]{10,32}", "is not an organisation id", "o- and 10 to 32 letters or digits")),
]
AccountName = Annotated[
    str,
    AfterValidator(
        _matching(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}", "cannot be a name", "up to 64 letters, digits, blanks or _.-")
    ),
]
SourceName = Annotated[
    str,
    AfterValidator(_matching(r"[a-z0-9][a-z0-9_-]{0,62}", "cannot be a source name", "up to 63 of a-z, 0-9, _ and -")),
]
Duration = Annotated[str, AfterValidator(_duration)]
QueueName = Annotated[
    str, AfterValidator(_matching(r"[A-Za-z0-9_-]{1,80}", "cannot be a queue name", "up to 80 letters, digits or _-"))
]


class Strict(BaseModel):
    """A mapping that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CentralDocument(Strict):
    """`central`: the platform team's account."""

    account_id: AccountId = Field(description="Account that runs the service.")
    region: Region = Field(description="Region of the queue, the lake and the service.")
    lake_bucket: Bucket = Field(description="Bucket of the data lake; never a source.")
    organization_id: OrganizationId | None = Field(None, description="If given, roles trust this organisation only.")
    worker_role_name: RoleName = Field("headwater-worker", description="Role of the service's tasks.")
    queue_name: QueueName = Field("headwater-intake", description="Queue of object notifications.")
    event_bus_name: QueueName = Field("headwater", description="Event bus of sources with `eventbridge`.")
    lake_access_logs_bucket: Bucket | None = Field(
        None, description="Where the lake bucket's own access logs go, if anywhere."
    )


class DefaultsDocument(Strict):
    """`defaults`: what accounts and sources do not say themselves."""

    role_name: RoleName = Field("headwater-reader", description="Role made in every account.")
    role_path: RolePath = Field("/", description="IAM path of that role.")
    permissions_boundary_arn: BoundaryArn | None = Field(None, description="Permissions boundary of that role.")
    deploy_role_name: RoleName = Field(
        "OrganizationAccountAccessRole", description="Role that the onboarding assumes in every account."
    )
    notifications: Notifications = Field("sns", description="How new objects are announced; see below.")
    region: Region | None = Field(None, description="Region of the buckets; else that of `central`.")


Days = Annotated[int, Field(ge=1, le=36_500)]


class RetentionDocument(Strict):
    """`retention`: how long rows are kept; for all accounts, or for the one it stands in."""

    days: Days | None = Field(None, description="Days that rows are kept after their event; none: for ever.")
    log_types: dict[str, Days] = Field(default_factory=dict, description="The same for single log types.")
    matches: Days | None = Field(None, description="Days that matches are kept, instead of `days`.")
    rejects: Days | None = Field(None, description="Days that rejected rows are kept, instead of `days`.")


class AccountDocument(Strict):
    """One entry of `accounts`; its sources are checked one by one."""

    id: AccountId = Field(description="12 digits in quotes.")
    name: AccountName = Field(description="What people see.")
    labels: dict[str, str] = Field(default_factory=dict, description="Free labels, kept with every source.")
    role_arn: RoleArn | None = Field(None, description="A role of the customer's own; then none is made.")
    role_name: RoleName | None = Field(None, description="Instead of `defaults.role_name`.")
    role_path: RolePath | None = Field(None, description="Instead of `defaults.role_path`.")
    permissions_boundary_arn: BoundaryArn | None = Field(
        None, description="Instead of `defaults.permissions_boundary_arn`."
    )
    deploy_role_name: RoleName | None = Field(None, description="Instead of `defaults.deploy_role_name`.")
    external_id: ExternalId | None = Field(None, description="Instead of the generated one.")
    retention: RetentionDocument | None = Field(None, description="How long this account's rows are kept; see below.")
    destinations: list[Any] = Field(
        default_factory=list, description="Where the account's own alerts go as well, and no other's; see below."
    )
    sources: list[Any] = Field(min_length=1, description="The log feeds of the account.")


class OwnDestinationDocument(Strict):
    """One entry of an account's `destinations`."""

    name: SourceName = Field(description="Unique within the account; elsewhere it is `<account id>/<name>`.")
    type: str = Field(description="What it is: `slack`, `pagerduty`, `webhook` …; `headwater destinations kinds`.")
    severity: Severity = Field("INFO", description="Only alerts at least as bad as this.")
    config: dict[str, Any] = Field(default_factory=dict, description="What that type needs; secrets by reference.")


class SourceDocument(Strict):
    """One entry of an account's `sources`."""

    name: SourceName = Field(description="Unique within the account.")
    bucket: Bucket = Field(description="Bucket name.")
    prefix: Prefix = Field("", description="Only keys that begin with this.")
    exclude: list[str] = Field(default_factory=list, description="Key patterns to leave out; `*` also matches `/`.")
    region: Region | None = Field(None, description="Region of the bucket.")
    log_types: list[str] = Field(
        default_factory=list, description="The only log types here; empty: recognised by content."
    )
    kms_key_arn: KmsKeyArn | None = Field(None, description="Key that encrypts the objects.")
    notifications: Notifications | None = Field(None, description="Instead of `defaults.notifications`.")
    topic_arn: TopicArn | None = Field(None, description="The topic of `existing_topic`.")
    access_logs_bucket: Bucket | None = Field(
        None, description="Where this bucket's own access logs go; checked for endless loops."
    )
    silence_after: Duration | None = Field(
        None,
        description="Alert when nothing comes for so long: `90m`, `6h`, `2d` or `never`; none: by its own history.",
    )


class FileDocument(Strict):
    """The whole file; its parts are checked one by one, so that one run shows every mistake."""

    version: Literal[1]
    central: Any
    defaults: Any = Field(default_factory=dict)
    retention: Any = Field(default_factory=dict)
    accounts: list[Any]
