"""accounts.yml and its lock → Accounts, or every mistake in them with its line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from headwater import yamlfile
from headwater.accounts import names
from headwater.accounts.checks import Draft, Placed, PlacedAccount, check
from headwater.accounts.document import (
    AccountDocument,
    CentralDocument,
    DefaultsDocument,
    FileDocument,
    OwnDestinationDocument,
    RetentionDocument,
    SourceDocument,
    seconds,
)
from headwater.accounts.lock import LockedAccount, lock_path, read_lock
from headwater.accounts.model import Account, Accounts, Central, OwnDestination, Retention, SourceConfig
from headwater.accounts.reading import PartReader, problem
from headwater.errors import ConfigError


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
        raise ConfigError([problem(finding, document, file) for finding in findings])
    return _resolve(draft, draft.central, lock or {}, document)


class _Reader(PartReader):
    """Reads the file part by part."""

    def draft(self, data: Any) -> Draft | None:
        file = self.part(FileDocument, data, ())
        if file is None:
            return None
        central = self.part(CentralDocument, file.central, ("central",))
        defaults = self.part(DefaultsDocument, file.defaults, ("defaults",))
        retention = self.part(RetentionDocument, file.retention, ("retention",))
        accounts = (self._account(raw, ("accounts", index)) for index, raw in enumerate(file.accounts))
        return Draft(
            central,
            defaults or DefaultsDocument.model_validate({}),
            tuple(account for account in accounts if account),
            retention or RetentionDocument.model_validate({}),
        )

    def _account(self, raw: Any, path: yamlfile.Path) -> PlacedAccount | None:
        account = self.part(AccountDocument, raw, path)
        listed = raw.get("sources") if isinstance(raw, dict) else None
        sources = [
            Placed((*path, "sources", index), self.part(SourceDocument, source, (*path, "sources", index)))
            for index, source in enumerate(listed if isinstance(listed, list) else [])
        ]
        formed = tuple(Placed(placed.path, placed.value) for placed in sources if placed.value is not None)
        given = raw.get("destinations") if isinstance(raw, dict) else None
        read = [
            Placed(
                (*path, "destinations", index), self.part(OwnDestinationDocument, own, (*path, "destinations", index))
            )
            for index, own in enumerate(given if isinstance(given, list) else [])
        ]
        own = tuple(Placed(placed.path, placed.value) for placed in read if placed.value is not None)
        return PlacedAccount(path, account, formed, own) if account else None


def _resolve(
    draft: Draft, central: CentralDocument, lock: Mapping[str, LockedAccount], document: yamlfile.Document
) -> Accounts:
    partition = names.partition_of(central.region)
    lines = _lines(document)
    accounts = [
        replace(_account(placed, draft, partition, lock.get(placed.value.id)), destinations=_own(placed, lines))
        for placed in draft.accounts
    ]
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


def _own(account: PlacedAccount, lines: Mapping[yamlfile.Path, dict[yamlfile.Path, int]]) -> tuple[OwnDestination, ...]:
    return tuple(
        OwnDestination(own.name, own.type, own.severity, own.config, lines.get(placed.path, {}))
        for placed in account.destinations
        for own in (placed.value,)
    )


def _lines(document: yamlfile.Document) -> dict[yamlfile.Path, dict[yamlfile.Path, int]]:
    """The lines of each account's own destinations, by path below each."""
    found: dict[yamlfile.Path, dict[yamlfile.Path, int]] = {}
    for path, line in document.lines.items():
        if len(path) >= 4 and path[2] == "destinations":
            found.setdefault(path[:4], {})[path[4:]] = line
    return found


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
