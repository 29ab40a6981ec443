"""Every error Headwater raises.

HeadwaterError
├── ConfigError            a file the user wrote is wrong: accounts.yml, settings, a schema, a detection
│   ├── SchemaError        a log-type schema
│   └── DetectionError     a detection's YAML or Python
├── NoticeError            an SQS body that names no objects: dead letter, with `reason`
├── ObjectError            a log object that can never be read: `kind` is truncated, corrupt, too_large or unsupported
├── ObjectMissing          the object (or this version of it) is gone
├── AccessDenied           a role, bucket or key refuses us; `service` says which, `statement` what to grant
├── OnboardError           Terraform, CloudFormation or a verification failed
├── QueryError             SQL that DuckDB refuses
├── InferenceError         records from which no schema can be made
├── EnrichmentError        the data of a lookup table cannot be used; the old data stays
├── DeliveryRefused        a destination will never take this alert as it is: a wrong token, an unknown channel
└── TransientError         throttling, time-outs, expired sessions: the same call may succeed later
    ├── CommitConflict     another writer committed to the lake table first
    ├── DeliveryFailed     a destination did not take an alert now; `retry_after_s` if it said when to come back
    ├── DetectionsUnavailable  the process that runs the detections cannot be started
    ├── LakeUnavailable    the lake's catalog or storage did not answer
    ├── LeaseLost          another worker has taken over some of the objects; `object_ids` names them
    ├── TurnLost           another worker evaluates the rule by now
    └── StateUnavailable   the state database did not answer, or broke off the transaction

`retryable` says whether a retry of the same work can help.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

ObjectErrorKind = Literal["truncated", "corrupt", "too_large", "unsupported"]
Refuser = Literal["sts", "s3", "kms", ""]


class HeadwaterError(Exception):
    """The root of the tree; its text says what failed, where, and what to do."""

    retryable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a user's file: where it stands, what is wrong, how to mend it."""

    file: str
    line: int | None
    key: str
    message: str
    fix: str = ""
    column: int | None = None

    def __str__(self) -> str:
        parts = (self.file, self.line, self.column, self.key)
        where = ":".join(str(part) for part in parts if part not in (None, ""))
        return f"{where}: {self.message}" + (f" Fix: {self.fix}" if self.fix else "")


class ConfigError(HeadwaterError):
    """A user's file is wrong; carries every problem found in one run."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))

    @classmethod
    def one(
        cls,
        file: str | Path,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        key: str = "",
        fix: str = "",
    ) -> ConfigError:
        """The error of a single problem."""
        return cls([Problem(str(file), line, key, message, fix, column)])


class SchemaError(ConfigError):
    """A log-type schema is wrong."""


class DetectionError(ConfigError):
    """A detection's YAML or Python is wrong."""


class NoticeError(HeadwaterError):
    """An SQS body that is not a notification of objects; `reason` is a stable code for the dead-letter queue."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class ObjectError(HeadwaterError):
    """A log object whose bytes can never be read."""

    def __init__(self, kind: ObjectErrorKind, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class ObjectMissing(HeadwaterError):
    """The object, or this version of it, no longer exists."""


class AccessDenied(HeadwaterError):
    """A role, bucket or key refuses us; `statement` is the permission to grant.

    service: who refused: `sts` the customer's role (nothing of the account can be read), `s3` the bucket or its policy,
    `kms` the key; empty: none of a customer's, such as our own queue.
    """

    def __init__(self, message: str, statement: str = "", *, service: Refuser = "") -> None:
        self.statement = statement
        self.service: Refuser = service
        super().__init__(f"{message} Grant: {statement}" if statement else message)


class OnboardError(HeadwaterError):
    """Terraform, CloudFormation or the verification of an account failed."""


class QueryError(HeadwaterError):
    """SQL that the query engine refuses."""


class InferenceError(HeadwaterError):
    """Records from which no schema can be made."""


class EnrichmentError(HeadwaterError):
    """The data of a lookup table cannot be used."""


class DeliveryRefused(HeadwaterError):
    """A destination refuses an alert for good; another try of the same brings the same answer."""


class TransientError(HeadwaterError):
    """The same call may succeed later."""

    retryable = True


class CommitConflict(TransientError):
    """Another writer committed to the lake table first."""


class DeliveryFailed(TransientError):
    """A destination did not take an alert; retry_after_s: the pause it asks for, where it says so."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class DetectionsUnavailable(TransientError):
    """The process that runs the detections cannot be started."""


class LakeUnavailable(TransientError):
    """The lake's catalog or its storage did not answer."""


class LeaseLost(TransientError):
    """Another worker owns some of the objects now: leave those to it."""

    def __init__(self, object_ids: tuple[str, ...]) -> None:
        self.object_ids = object_ids
        super().__init__(f"{len(object_ids)} objects belong to another worker now, first {object_ids[0]}")


class TurnLost(TransientError):
    """Another worker evaluates the rule by now: leave it to that one."""


class StateUnavailable(TransientError):
    """The state database did not answer, or broke off the transaction."""
