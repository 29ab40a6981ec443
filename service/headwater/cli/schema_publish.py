"""headwater schema publish, registered by cli/schema.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headwater.cli import build
from headwater.errors import ConfigError, Problem
from headwater.lake.evolve import evolve_table
from headwater.lake.tables import table_name
from headwater.schema.evolve import differences
from headwater.schema.load import LIBRARY, load_library, load_schema, user_files
from headwater.schema.logtype import LogType
from headwater.settings import Settings


def publish(
    file: Annotated[Path, typer.Argument(help="A schema file.", exists=True, dir_okay=False)],
) -> None:
    """Put a schema, new or edited, into the first folder of HEADWATER_SCHEMAS, and give its table the new columns.

    An edit that stored rows do not allow is refused (`headwater schema diff` says why), and nothing is changed then.
    """
    settings = build.settings(quiet=True)
    log_type = load_schema(file)
    target = _target(settings, log_type)
    if target.exists():
        _require_allowed(log_type, target, file)
    added = evolve_table(build.catalog(settings), log_type)
    if not target.exists() or not target.samefile(file):
        target.write_bytes(file.read_bytes())
    typer.echo(f"Published {log_type.name} version {log_type.version} as {target}. Restart the service to use it.")
    name = table_name(log_type.name)
    if added is None:
        typer.echo(f"The table {name} is made with its first row.")
    else:
        typer.echo(f"The table {name} has {len(added)} new columns{': ' if added else ''}{', '.join(added)}.")


def _target(settings: Settings, log_type: LogType) -> Path:
    """The file that defines the log type by now, or the one that will."""
    if log_type.name in load_library() and (LIBRARY / log_type.name).is_dir():
        raise ConfigError.one("schema", f"{log_type.name} is a built-in log type", fix="Name yours Custom.…")
    for path in user_files(settings.schemas):
        if load_schema(path).name == log_type.name:
            return path
    folder = next((each for each in settings.schemas if each.is_dir()), None)
    if folder is None:
        raise ConfigError.one(
            "HEADWATER_SCHEMAS", "names no folder to publish to", fix="""export HEADWATER_SCHEMAS='["schemas"]'"""
        )
    return folder / f"{log_type.name}.yml"


def _require_allowed(log_type: LogType, target: Path, file: Path) -> None:
    refused = [each for each in differences(load_schema(target), log_type) if not each.allowed]
    if refused:
        raise ConfigError([Problem(str(file), None, each.path, f"{each.change}: {each.message}") for each in refused])
