"""headwater packs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from headwater.cli import build
from headwater.cli.output import Format, Output, emit_json, emit_rows
from headwater.detect import lint, pack_store, packs
from headwater.detect.confined import ask
from headwater.detect.load import builtin_path
from headwater.detect.pack_store import Installed
from headwater.detect.packs import Selection, Switches
from headwater.detect.spec import Spec, read_folder
from headwater.errors import HeadwaterError, Problem
from headwater.worker.committer import utc_now

app = typer.Typer(help="Bring packs of detections in, and say which of them run.", no_args_is_help=True)
COLUMNS = ("name", "detections", "enabled", "tests", "packs", "commit", "source")


def _home() -> Path:
    return build.settings(quiet=True).home


def _loads(folder: Path) -> None:
    """Import a pack's Python where it can do no harm. Raises: DetectionError."""
    for problem in ask(Selection({str(folder): folder}), lint.unloadable):
        typer.echo(f"warning: {Problem(**problem)}", err=True)


@app.command("list")
def list_packs(output: Output = Format.text) -> None:
    """List the built-in pack and the installed ones."""
    home = _home()
    switches = packs.read_switches(home)
    every = {packs.BUILTIN: builtin_path(), **packs.installed(home)}
    rows: list[dict[str, Any]] = [packs.summary(name, folder, switches) for name, folder in every.items()]
    shown = rows if output is Format.json else [{**row, "commit": str(row["commit"])[:12]} for row in rows]
    emit_rows(shown, output, empty="No packs.", columns=COLUMNS)


@app.command()
def add(
    source: Annotated[str, typer.Argument(help="A folder, a zip or tar file, or the URL of a git repository.")],
    name: Annotated[str | None, typer.Option(help="What to call it; default: the last part of the source.")] = None,
    ref: Annotated[str, typer.Option(help="Branch, tag or commit of a git repository.")] = "",
    output: Output = Format.text,
) -> None:
    """Bring a pack in; what its files enable runs. One that does not load is refused, and nothing changes."""
    home = _home()
    made = pack_store.install(home, name or pack_store.default_name(source), source, ref, utc_now(), _loads)
    _tell([made], home, output)


@app.command()
def update(
    names: Annotated[list[str] | None, typer.Argument(help="Names of installed packs; default: all.")] = None,
    output: Output = Format.text,
) -> None:
    """Bring packs in again from where they came, and tell what changed."""
    home = _home()
    updated = [pack_store.update(home, name, utc_now(), _loads) for name in names or packs.installed(home)]
    _tell(updated, home, output, list_changes=True)


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of an installed pack.")]) -> None:
    """Take a pack out."""
    pack_store.remove(_home(), name)
    typer.echo(f"Removed {name}.")


Target = Annotated[list[str], typer.Argument(help="Names of packs, PackIDs, or ids of detections.")]


@app.command()
def enable(targets: Target, output: Output = Format.text) -> None:
    """Run everything of a pack, or single detections, whatever their files say."""
    _switch(targets, "all", output)


@app.command()
def disable(targets: Target, output: Output = Format.text) -> None:
    """Run nothing of a pack, or not these detections."""
    _switch(targets, "off", output)


@app.command()
def reset(targets: Target, output: Output = Format.text) -> None:
    """Let the files say again what runs."""
    _switch(targets, "file", output)


def _switch(targets: Sequence[str], switch: Literal["all", "off", "file"], output: Format) -> None:
    home = _home()
    folders = {packs.BUILTIN: builtin_path(), **packs.installed(home)}
    specs = [spec for folder in folders.values() for spec in read_folder(folder.resolve(), 0)[0]]
    with pack_store.locked(home):
        switches = packs.read_switches(home)
        for target in targets:
            switches = _switched(switches, target, switch, tuple(folders), specs)
        packs.write_switches(home, switches)
    if output is Format.json:
        emit_json({"switched": list(targets), "to": switch})
    else:
        told = {"all": "Enabled", "off": "Disabled", "file": "As their files say"}[switch]
        typer.echo(f"{told}: {', '.join(targets)}. Workers follow when they start again.")
    _tell_if_unused()


def _tell_if_unused() -> None:
    if build.settings(quiet=True).detections:
        typer.echo("warning: HEADWATER_DETECTIONS is set: the service runs its folders, and no packs", err=True)


def _switched(
    switches: Switches,
    target: str,
    switch: Literal["all", "off", "file"],
    names: Sequence[str],
    specs: Sequence[Spec],
) -> Switches:
    definitions = {spec.id for spec in specs if spec.kind == "pack"}
    detections = {spec.id for spec in specs if spec.kind in packs.RUNNING_KINDS}
    by_pack, by_definition, by_id = dict(switches.packs), dict(switches.definitions), dict(switches.detections)
    if target in names:
        by_pack[target] = switch
    elif target in definitions:
        by_definition[target] = switch
    elif target in detections:
        by_id[target] = switch == "all"
        if switch == "file":
            del by_id[target]
    else:
        near = difflib.get_close_matches(target, (*names, *definitions, *detections), n=1)
        hint = f"; did you mean {near[0]}?" if near else "; `headwater packs list` shows the packs"
        raise HeadwaterError(f"there is no pack, PackID or detection {target!r}{hint}")
    return Switches(by_pack, by_definition, by_id)


def _tell(made: Sequence[Installed], home: Path, output: Format, *, list_changes: bool = False) -> None:
    switches = packs.read_switches(home)
    rows: list[dict[str, Any]] = [
        {
            **packs.summary(one.manifest.name, packs.packs_folder(home) / one.manifest.name, switches),
            "unchanged": one.changes is None,
            "changes": {
                key: list(getattr(one.changes, key)) if one.changes else [] for key in ("added", "removed", "changed")
            },
        }
        for one in made
    ]
    if output is Format.json:
        emit_json(rows)
        return
    _tell_if_unused()
    for row in rows:
        told = ", ".join(f"{len(ids)} {what}" for what, ids in row["changes"].items() if ids) or "nothing new"
        counts = f"{row['detections']} detections, {row['enabled']} enabled, {row['tests']} tests"
        typer.echo(f"{row['name']}: {counts}; {told}")
        for what, ids in row["changes"].items() if list_changes else ():
            typer.echo("".join(f"  {what}: {each}\n" for each in ids), nl=False)
    if not rows:
        typer.echo("No installed packs.")
