"""headwater onboard discover | link."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from headwater import yamlfile
from headwater.accounts.lock import lock_path, read_lock
from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json
from headwater.errors import ConfigError, OnboardError
from headwater.onboard import cloudformation, organization
from headwater.onboard.plan import plan
from headwater.onboard.sessions import Sessions


def discover(
    sources: Annotated[
        Path,
        typer.Option(
            help="YAML list of sources that each account gets; {account_id}, {account_name}, {region} are filled in.",
            exists=True,
        ),
    ],
    ou: Annotated[list[str] | None, typer.Option(help="Only accounts below these organisational units.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Only accounts with these tags.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Append the entries to accounts.yml.")] = False,
    output: Output = Format.text,
) -> None:
    """Find accounts of the organisation that are not in accounts.yml, and write their entries."""
    settings = build.settings(quiet=True)
    accounts = build.accounts(settings)
    sessions = Sessions(accounts.central.region)
    members = organization.list_members(sessions.client(sessions.ours(), "organizations"), ou or (), _tags(tag or []))
    known = {account.id for account in accounts.accounts} | {accounts.central.account_id}
    names = {account.name for account in accounts.accounts}
    made = organization.entries(members, known, names, _sources(sources), accounts.central.region)
    text = _entries_text(made)
    if write and made:
        _append(Path(settings.accounts_file), text)
    if output is Format.json:
        emit_json({"organization": len(members), "new": made, "written": write and bool(made)})
        return
    typer.echo(text, nl=False)
    where = f"appended to {settings.accounts_file}" if write else "add them below `accounts:`, or use --write"
    typer.echo(f"# {len(members)} accounts found, {len(made)} of them new" + (f"; {where}" if made else ""), err=True)


def link(
    account: Annotated[str, typer.Argument(help="Account id or name.")],
    template_url: Annotated[str, typer.Option(help="Where you keep customer-account.yml: an https:// URL in S3.")],
) -> None:
    """Print a link with which an account's administrator makes the CloudFormation stack in the console."""
    settings = build.settings(quiet=True)
    accounts = build.accounts(settings)
    locked = read_lock(lock_path(Path(settings.accounts_file)))
    (made,) = plan(accounts, locked, [account])
    if made.external_id_is_new:
        raise OnboardError(
            f"{account} has no ExternalId yet: set external_id in accounts.yml, so that the link keeps it"
        )
    typer.echo(cloudformation.quick_create_link(made, template_url))


def _tags(given: list[str]) -> dict[str, str]:
    wrong = next((tag for tag in given if "=" not in tag), None)
    if wrong is not None:
        raise ConfigError.one("--tag", f"{wrong!r} is no KEY=VALUE")
    return dict(tag.split("=", 1) for tag in given)


def _sources(file: Path) -> list[dict[str, Any]]:
    sources: Any = yamlfile.load(file.read_text("utf-8"), str(file)).data
    if not isinstance(sources, list) or not sources or not all(isinstance(source, dict) for source in sources):
        raise ConfigError.one(file, "must be a list of sources, as below an account of accounts.yml")
    return sources


def _entries_text(entries: list[dict[str, Any]]) -> str:
    """As they stand below `accounts:`; ids in quotes, or YAML would read numbers."""
    lines = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True).splitlines() if entries else []
    return "".join(f"  {line}\n" for line in lines)


def _append(file: Path, text: str) -> None:
    before = file.read_text("utf-8")
    document = yamlfile.load(before, str(file))
    if list(document.data)[-1] != "accounts":
        raise ConfigError.one(file, "`accounts` is not its last key", fix="Move it to the end, or paste the entries.")
    file.write_text(before.rstrip("\n") + "\n" + text, "utf-8")
