"""Proof that an account is onboarded: the role opens to us, only with its ExternalId, and its logs can be read.

Must run as the worker's role, because the trust policies name that role; `as_worker` gets there if we may assume it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from headwater.accounts.model import Account, Central, SourceConfig
from headwater.errors import OnboardError
from headwater.onboard.sessions import Sessions, reason

ASSUME_TRIES = 6  # a fresh trust policy takes some seconds to reach every STS endpoint
ASSUME_PAUSE_S = 3.0
LISTED = 50  # enough to find one object that is no folder marker
SESSION_NAME = "headwater-verify"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tried. detail: what happened; fix: what to change where it went wrong.

    checked: false where it could not be tried, which is no failure: nothing is known then.
    """

    name: str
    ok: bool
    detail: str = ""
    fix: str = ""
    checked: bool = True

    @property
    def result(self) -> str:
        """How it went, in a word or two."""
        return "FAILED" if not self.ok else "ok" if self.checked else "not checked"


def as_worker(sessions: Sessions, central: Central) -> boto3.Session:
    """A session of the worker's role: ours if it is that already, else by assuming it.

    Raises: OnboardError where we are not allowed to.
    """
    ours = sessions.ours()
    try:
        name = central.worker_role_arn.rpartition("/")[2]
        identity = str(sessions.client(ours, "sts", central.region).get_caller_identity()["Arn"])
        if f":{central.account_id}:assumed-role/{name}/" in identity:
            return ours
        return sessions.assume(ours, central.worker_role_arn, SESSION_NAME, central.region)
    except (ClientError, BotoCoreError) as error:
        raise OnboardError(
            f"cannot verify as {central.worker_role_arn}: {reason(error)}. Run this in the worker's task, or add your"
            " role to worker_assumed_by_arns of the platform module."
        ) from error


def verify(
    account: Account, central: Central, sessions: Sessions, pause: Callable[[float], None] = time.sleep
) -> tuple[Check, ...]:
    """Every check of an account, in order; those that need a failed one are left out.

    Raises: OnboardError where we cannot act as the worker.
    """
    worker = as_worker(sessions, central)
    if account.external_id is None:
        return (Check("external_id", False, "the account has no ExternalId", "run `headwater onboard apply`"),)
    opened, check = _assume(account, central, sessions, worker, pause)
    refusals = [_refused(account, central, sessions, worker, how) for how in ("without", "with a wrong")]
    if opened is None:
        return (check, *refusals)
    return (check, *refusals, *(each for source in account.sources for each in _source(source, sessions, opened)))


def _assume(
    account: Account, central: Central, sessions: Sessions, worker: boto3.Session, pause: Callable[[float], None]
) -> tuple[boto3.Session | None, Check]:
    message = ""
    for attempt in range(ASSUME_TRIES):
        try:
            made = sessions.assume(worker, account.role_arn, SESSION_NAME, central.region, account.external_id)
        except (ClientError, BotoCoreError) as error:
            message = reason(error)
        else:
            return made, Check("assume role", True, account.role_arn)
        if attempt + 1 < ASSUME_TRIES:
            pause(ASSUME_PAUSE_S)
    fix = (
        f"the trust policy of {account.role_arn} must allow sts:AssumeRole to {central.worker_role_arn} with this"
        " ExternalId; if it names an AROA… id, that role was deleted and made again: run `headwater onboard apply`"
    )
    return None, Check("assume role", False, message, fix)


def _refused(account: Account, central: Central, sessions: Sessions, worker: boto3.Session, how: str) -> Check:
    """The role must not open to somebody who does not know the ExternalId (the confused deputy)."""
    name = f"refuse {how} ExternalId"
    wrong = secrets.token_urlsafe() if how == "with a wrong" else None
    try:
        sessions.assume(worker, account.role_arn, SESSION_NAME, central.region, wrong)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        return Check(name, code == "AccessDenied", reason(error))
    except BotoCoreError as error:
        return Check(name, False, reason(error))
    fix = f'add the condition StringEquals {{"sts:ExternalId": …}} to the trust policy of {account.role_arn}'
    return Check(name, False, "UNSAFE: the role opened", fix)


def _source(source: SourceConfig, sessions: Sessions, opened: boto3.Session) -> Iterator[Check]:
    """One object of the source is listed and its first byte read, which decrypts it."""
    client = sessions.client(opened, "s3", source.region)
    name, place = f"list {source.name}", f"s3://{source.bucket}/{source.prefix}"
    try:
        listed = client.list_objects_v2(Bucket=source.bucket, Prefix=source.prefix, MaxKeys=LISTED)
    except (ClientError, BotoCoreError) as error:
        yield Check(name, False, reason(error), f"grant s3:ListBucket on {source.bucket} for prefix {source.prefix}*")
        return
    yield Check(name, True, place)
    key = _readable_key(listed.get("Contents", []), source)
    if key is None:
        yield Check(f"read {source.name}", True, f"nothing to read yet under {place}")
    else:
        yield _read(client, source, key)


def _readable_key(objects: list[dict[str, Any]], source: SourceConfig) -> str | None:
    keys = (str(found["Key"]) for found in objects if found["Size"] > 0)
    return next((key for key in keys if not any(fnmatchcase(key, pattern) for pattern in source.exclude)), None)


def _read(client: Any, source: SourceConfig, key: str) -> Check:
    name = f"read {source.name}"
    try:
        answer = client.get_object(Bucket=source.bucket, Key=key, Range="bytes=0-0")
        answer["Body"].read()
    except (ClientError, BotoCoreError) as error:
        return Check(
            name, False, f"s3://{source.bucket}/{key}: {reason(error)}", _missing_statement(reason(error), source)
        )
    return Check(name, True, f"s3://{source.bucket}/{key}" + (" (KMS)" if "SSEKMSKeyId" in answer else ""))


def _missing_statement(message: str, source: SourceConfig) -> str:
    """S3 passes on what KMS says, and KMS says which of the two policies lacks the permission."""
    if "kms:" not in message.lower():
        return f"grant s3:GetObject on arn:…:s3:::{source.bucket}/{source.prefix}*, or look at the bucket's policy"
    if "resource-based" in message:
        return "the key's own policy refuses: add the statement that output bucket_key_statements.keys shows"
    return (
        "set kms_key_arn of this source in accounts.yml and run `headwater onboard apply`: the role lacks kms:Decrypt"
    )
