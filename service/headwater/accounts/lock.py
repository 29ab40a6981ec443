"""accounts.lock.json: what the onboarding made in each account (external ids, role and topic ARNs)."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headwater.errors import ConfigError

LOCK_VERSION = 1


@dataclass(frozen=True, slots=True)
class LockedAccount:
    """One onboarded account."""

    external_id: str = field(repr=False)
    role_arn: str | None = None
    topic_arns: tuple[str, ...] = ()


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    external_id: str = Field(min_length=2)
    role_arn: str | None = None
    topic_arns: tuple[str, ...] = ()


class _Lock(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal[1]
    accounts: dict[str, _Entry]


def lock_path(accounts_file: Path) -> Path:
    """Where the lock of an accounts file stands: beside it."""
    return accounts_file.with_name(f"{accounts_file.stem}.lock.json")


def parse_lock(text: str, file: str) -> Mapping[str, LockedAccount]:
    """Account id → what was made there.

    Raises: ConfigError where the text is no lock.
    """
    try:
        lock = _Lock.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        fix = "restore it from version control, or run `headwater onboard apply` after deleting it"
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError.one(file, f"not a lock file: {first['msg']}", key=key, fix=fix) from error
    return {
        account_id: LockedAccount(entry.external_id, entry.role_arn, entry.topic_arns)
        for account_id, entry in lock.accounts.items()
    }


def read_lock(path: Path) -> Mapping[str, LockedAccount]:
    """The lock at a path; empty where there is none yet."""
    return parse_lock(path.read_text(encoding="utf-8"), str(path)) if path.exists() else {}


def write_lock(path: Path, accounts: Mapping[str, LockedAccount]) -> None:
    """Replace the lock in one step: a reader sees the old or the new one, never a part."""
    entries = {
        account_id: {
            "external_id": entry.external_id,
            "role_arn": entry.role_arn,
            "topic_arns": sorted(entry.topic_arns),
        }
        for account_id, entry in sorted(accounts.items())
    }
    text = json.dumps({"version": LOCK_VERSION, "accounts": entries}, indent=2) + "\n"
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
