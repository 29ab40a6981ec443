"""accounts.yml and its lock → Accounts, or every mistake in them with its line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from headwater import yamlfile
from headwater.accounts import names
from headwater.accounts.checks import Draft, Finding, Placed, PlacedAccount, check, did_you_mean
from headwater.accounts.document import (
    AccountDocument,
    CentralDocument,
    DefaultsDocument,
    FileDocument,
    RetentionDocument,
    SourceDocument,
    seconds,
)
from headwater.accounts.lock import LockedAccount, lock_path, read_lock
from headwater.accounts.model import Account, Accounts, Central, Retention, SourceConfig
from headwater.errors import ConfigError, Problem

M = TypeVar("M", bound=BaseModel)


def load_accounts(path: Path, known_log_types: Collection[str] | None = None) -> Accounts:
    """The accounts of a file, with the external ids of the lock beside it.

    known_log_types: if given, the names that `log_types` may use.
    Raises: ConfigError with every mistake of the file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        fix = "write one (docs/configuration.md has an example), or set HEADWATER_ACCOUNTS_FILE"
        raise ConfigError.one(path, "no such file", fix=fix) from error
    return parse_accounts(text, str(path), read_lock(lock_path(path)), known_log_types)


def parse_accounts(
    text: str,
    file: str,
    lock: Mapping[str, LockedAccount] | None = None,
    known_log_types: Collection[str] | None = None,
) -> Accounts:
    """The same from text."""
    document = yamlfile.load(text, file)
    reader = _Reader()
    draft = reader.draft(document.data)
    findings = reader.findings + (check(draft, known_log_types) if draft else [])
    if findings or draft is None or draft.central is None:
        raise ConfigError([_problem(finding, document, file) for finding in findings])
    return _resolve(draft, draft.central, lock or {})


def _problem(finding: Finding, document: yamlfile.Document, file: str) -> Problem:
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in finding.path).lstrip(".")
    return Problem(file, document.line(finding.path), key, finding.message, finding.fix)


class _Reader:
    """Checks the file part by part and keeps what it finds; a broken part does not hide mistakes in the others."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def draft(self, data: Any) -> Draft | None:
        file = self._part(FileDocument, data, ())
        if file is None:
            return None
        central = self._part(CentralDocument, file.central, ("central",))
        defaults = self._part(DefaultsDocument, file.defaults, ("defaults",))
        retention = self._part(RetentionDocument, file.retention, ("retention",))
        accounts = (self._account(raw, ("accounts", index)) for index, raw in enumerate(file.accounts))
        return Draft(
            central,
            defaults or DefaultsDocument.model_validate({}),
            tuple(account for account in accounts if account),
            retention or RetentionDocument.model_validate({}),
        )

    def _account(self, raw: Any, path: yamlfile.Path) -> PlacedAccount | None:
        account = self._part(AccountDocument, raw, path)
        listed = raw.get("sources") if isinstance(raw, dict) else None
        sources = [
            Placed((*path, "sources", index), self._part(SourceDocument, source, (*path, "sources", index)))
            for index, source in enumerate(listed if isinstance(listed, list) else [])
        ]
        formed = tuple(Placed(placed.path, placed.value) for placed in sources if placed.value is not None)
        return PlacedAccount(path, account, formed) if account else None

    def _part(self, model: type[M], raw: Any, path: yamlfile.Path) -> M | None:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            found = [_finding(details, model, path) for details in error.errors()]
            self.findings += [each for each in found if not _misspelt(each, found)]
            return None


def _misspelt(finding: Finding, others: Sequence[Finding]) -> bool:
    """Whether a key is missing only because it is misspelt, which is reported already."""
    suggestion = f"did you mean {finding.path[-1]}?" if finding.path else None
    return any(other.fix == suggestion and other.path[:-1] == finding.path[:-1] for other in others)


def _finding(details: ErrorDetails, model: type[BaseModel], path: yamlfile.Path) -> Finding:
    place = (*path, *details["loc"])
    key = place[-1] if place else "the file"
    context = details.get("ctx", {})
    match details["type"]:
        case "headwater":
            return Finding(place, context["message"], context["fix"])
        case "extra_forbidden":
            known = list(_holder(model, details["loc"]).model_fields)
            return Finding(place, f"unknown key {key!r}", did_you_mean(str(key), known))
        case "missing":
            return Finding(place, f"{key!r} is missing", _description(model, str(key)))
        case "model_type" | "dict_type" | "model_attributes_type":
            return Finding(place, f"{key} must be a mapping of keys to values")
        case "list_type":
            return Finding(place, f"{key} must be a list", "one entry a line, each begun by a hyphen")
        case "too_short":
            return Finding(place, f"{key} is empty", "add an entry, or remove the account")
        case "string_type":
            return Finding(place, f"{details['input']!r} is not text", f'put it in quotes: "{details["input"]}"')
        case "literal_error":
            return Finding(place, f"{details['input']!r} is not one of {context['expected']}")
        case _:
            return Finding(place, details["msg"])


def _holder(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel]:
    """The model that the last key of a path belongs to."""
    for key in path[:-1]:
        field = model.model_fields.get(str(key))
        parts = [field.annotation, *get_args(field.annotation)] if field else []
        model = next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), model)
    return model


def _description(model: type[BaseModel], key: str) -> str:
    field = model.model_fields.get(key)
    return f"add {key}: {field.description}" if field and field.description else f"add {key}"


def _resolve(draft: Draft, central: CentralDocument, lock: Mapping[str, LockedAccount]) -> Accounts:
    partition = names.partition_of(central.region)
    accounts = [_account(placed, draft, partition, lock.get(placed.value.id)) for placed in draft.accounts]
    known = {account.id for account in accounts}
    made = [arn for account_id, entry in lock.items() if account_id in known for arn in entry.topic_arns]
    brought = [source.topic_arn for account in accounts for source in account.sources if source.topic_arn]
    kept = _retention(draft.retention)
    return Accounts.of(_central(central, draft.defaults, partition), accounts, [*made, *brought], kept)


def _central(document: CentralDocument, defaults: DefaultsDocument, partition: str) -> Central:
    return Central(
        account_id=document.account_id,
        region=document.region,
        partition=partition,
        organization_id=document.organization_id,
        lake_bucket=document.lake_bucket,
        deploy_role_arn=names.role_arn(partition, document.account_id, names.role_name(defaults.deploy_role_name)),
        worker_role_arn=names.role_arn(partition, document.account_id, names.role_name(document.worker_role_name)),
        queue_arn=f"arn:{partition}:sqs:{document.region}:{document.account_id}:{document.queue_name}",
        event_bus_arn=f"arn:{partition}:events:{document.region}:{document.account_id}:event-bus/{document.event_bus_name}",
    )


def _account(placed: PlacedAccount, draft: Draft, partition: str, locked: LockedAccount | None) -> Account:
    document, defaults = placed.value, draft.defaults
    name = None if document.role_arn else names.role_name(document.role_name or defaults.role_name)
    path = document.role_path or defaults.role_path
    made = names.role_arn(partition, document.id, name, path) if name else ""
    deploy = names.role_name(document.deploy_role_name or defaults.deploy_role_name)
    return Account(
        id=document.id,
        name=document.name,
        role_arn=document.role_arn or (locked.role_arn if locked else None) or made,
        role_name=name,
        role_path=path,
        deploy_role_arn=names.role_arn(partition, document.id, deploy),
        sources=tuple(_source(source.value, draft) for source in placed.sources),
        labels=dict(document.labels),
        permissions_boundary_arn=document.permissions_boundary_arn or defaults.permissions_boundary_arn,
        external_id=document.external_id or (locked.external_id if locked else None),
        retention=_retention(document.retention or RetentionDocument.model_validate({})),
    )


def _retention(document: RetentionDocument) -> Retention:
    return Retention(document.days, dict(document.log_types), document.matches, document.rejects)


def _source(document: SourceDocument, draft: Draft) -> SourceConfig:
    return SourceConfig(
        name=document.name,
        bucket=document.bucket,
        prefix=document.prefix,
        region=draft.region(document) or "",
        notifications=document.notifications or draft.defaults.notifications,
        exclude=tuple(document.exclude),
        log_types=tuple(document.log_types),
        kms_key_arn=document.kms_key_arn,
        topic_arn=document.topic_arn,
        access_logs_bucket=document.access_logs_bucket,
        silence_after_s=seconds(document.silence_after) if document.silence_after else None,
    )
