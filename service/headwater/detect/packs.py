"""Installed packs: folders of detections under HEADWATER_HOME/packs, and which of their detections run.

HEADWATER_HOME/packs/NAME is a link to one version under packs/.store, so that a change of version is one step.
packs/switches.json holds what `headwater packs enable|disable` said. Nothing here runs a detection's code.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from headwater.detect.cache import Cache
from headwater.detect.load import Pack, builtin_path, load_pack
from headwater.detect.spec import Spec, read_folder
from headwater.detect.together import SHARED_KINDS
from headwater.errors import ConfigError, Problem
from headwater.yamlfile import Document

BUILTIN = "headwater"
MANIFEST = ".headwater-pack.json"  # the dot hides it from the loader
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
RUNNING_KINDS = frozenset(("rule", "scheduled_rule", "policy", "correlation_rule", "scheduled_query", "lookup_table"))

T = TypeVar("T")
Switch = Literal["off", "file", "all"]  # nothing runs; what its files enable; everything


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where an installed pack came from. digest: of its files, without this one."""

    name: str
    source: str
    source_kind: Literal["folder", "git", "archive"]
    ref: str
    commit: str
    digest: str
    added_at: str


@dataclass(frozen=True, slots=True)
class Switches:
    """What the user enabled and disabled. packs: by name; definitions: by PackID; detections: by id, final."""

    packs: Mapping[str, Switch] = field(default_factory=dict)
    definitions: Mapping[str, Switch] = field(default_factory=dict)
    detections: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is loaded. folders: name → folder, in order. switches: what overrides Enabled."""

    folders: Mapping[str, Path]
    switches: Switches = Switches()

    def load(self, cache: Cache | None = None) -> Pack:
        """The detections of all folders, enabled as the switches say. Raises: DetectionError."""
        return switched(load_pack(tuple(self.folders.values()), cache), tuple(self.folders), self.switches)

    def specs(self) -> tuple[Spec, ...]:
        """The well-formed files of all folders, enabled as the switches say; no Python is imported."""
        roots = list(dict.fromkeys(path.resolve() for path in self.folders.values()))
        found = [spec for number, root in enumerate(roots) for spec in read_folder(root, number)[0]]
        overrides = overridden(found, tuple(self.folders), self.switches)
        return tuple(_enabled_spec(spec, overrides.get(spec.id)) for spec in found)


@dataclass(frozen=True, slots=True)
class Changes:
    """How one version of a pack differs from another, by id of its files."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def packs_folder(home: Path) -> Path:
    """Where installed packs are."""
    return home / "packs"


def selection(home: Path, folders: Sequence[Path] = ()) -> Selection:
    """The given folders as they are; without any, the built-in pack and the installed ones with their switches."""
    if folders:
        return Selection({str(path): path for path in folders})
    return Selection({BUILTIN: builtin_path(), **installed(home)}, read_switches(home))


def installed(home: Path) -> dict[str, Path]:
    """Name → folder of every installed pack."""
    root = packs_folder(home)
    names = sorted(entry.name for entry in root.iterdir() if NAME.match(entry.name)) if root.is_dir() else []
    return {name: root / name for name in names if (root / name / MANIFEST).is_file()}


def read_manifest(folder: Path) -> Manifest:
    """What is known of an installed pack. Raises: ConfigError."""
    return _read(folder / MANIFEST, Manifest)


def read_switches(home: Path) -> Switches:
    """What the user enabled and disabled; nothing where the file is absent. Raises: ConfigError."""
    path = switches_path(home)
    return _read(path, Switches) if path.exists() else Switches()


def write_switches(home: Path, switches: Switches) -> None:
    """Keep the switches in one step."""
    path = switches_path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(switches), indent=2) + b"\n")
    os.replace(temporary, path)


def switches_path(home: Path) -> Path:
    """The file of the switches."""
    return packs_folder(home) / "switches.json"


def switched(pack: Pack, names: Sequence[str], switches: Switches) -> Pack:
    """The pack with Enabled as the switches say. names: of its folders."""
    overrides = overridden(pack.specs, names, switches)
    if not overrides:
        return pack
    specs = tuple(_enabled_spec(spec, overrides.get(spec.id)) for spec in pack.specs)
    return replace(
        pack,
        specs=specs,
        detections=tuple(
            replace(one, enabled=overrides[one.rule_id], spec=_enabled_spec(one.spec, overrides[one.rule_id]))
            if one.rule_id in overrides
            else one
            for one in pack.detections
        ),
    )


def overridden(specs: Sequence[Spec], names: Sequence[str], switches: Switches) -> dict[str, bool]:
    """Id → Enabled, for what the switches change: the detection's own before its definitions' before its pack's."""
    said = _by_definition(specs, switches.definitions)
    found: dict[str, bool] = {}
    for spec in specs:
        if spec.kind not in RUNNING_KINDS:
            continue
        switch = said.get(spec.id) or switches.packs.get(names[spec.folder], "file")
        by_file = spec.data.get("Enabled") is not False
        enabled = switches.detections.get(spec.id, {"off": False, "file": by_file, "all": True}[switch])
        if enabled is not by_file:
            found[spec.id] = enabled
    return found


def _by_definition(specs: Sequence[Spec], definitions: Mapping[str, Switch]) -> dict[str, Switch]:
    """Id → the most that any of its pack definitions lets run."""
    found: dict[str, Switch] = {}
    order: tuple[Switch, ...] = ("off", "file", "all")
    for spec in specs:
        if spec.kind == "pack" and spec.id in definitions:
            for name in spec.data["PackDefinition"]["IDs"]:
                found[name] = max(found.get(name, "off"), definitions[spec.id], key=order.index)
    return found


def _enabled_spec(spec: Spec, enabled: bool | None) -> Spec:
    if enabled is None:
        return spec
    document = spec.document
    return replace(spec, document=Document({**spec.data, "Enabled": enabled}, document.lines, document.columns))


def rival_ids(specs: Sequence[Spec], others: Mapping[str, Sequence[Spec]]) -> Iterator[Problem]:
    """One problem for each other pack that has detections of the same ids."""
    mine = {spec.id for spec in specs if spec.kind not in SHARED_KINDS}
    for name, theirs in others.items():
        same = sorted(mine & {spec.id for spec in theirs if spec.kind not in SHARED_KINDS})
        if same:
            shown = ", ".join(same[:5]) + (f" and {len(same) - 5} more" if len(same) > 5 else "")
            message = f"{len(same)} detections have ids that the pack {name!r} has too: {shown}"
            yield Problem(str(specs[0].root), None, "", message, "Remove one of the two packs, or rename.")


def fingerprints(specs: Sequence[Spec]) -> dict[str, str]:
    """`kind id` → a digest of its YAML and its Python."""
    return {f"{spec.kind} {spec.id}": _fingerprint(spec) for spec in specs}


def _fingerprint(spec: Spec) -> str:
    files = [spec.file, *([spec.python] if spec.python else [])]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> Changes:
    """What changed between two versions, by fingerprints."""
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(key for key in before.keys() & after.keys() if before[key] != after[key])),
    )


def summary(name: str, folder: Path, switches: Switches) -> dict[str, object]:
    """One installed or built-in pack in a few words and numbers; reads its YAML alone."""
    specs, _ = read_folder(folder.resolve(), 0)
    manifest = read_manifest(folder) if name != BUILTIN else None
    overrides = overridden(specs, (name,), switches)
    running = [spec for spec in specs if spec.kind in RUNNING_KINDS]
    return {
        "name": name,
        "source": manifest.source if manifest else "built in",
        "ref": manifest.ref if manifest else "",
        "commit": manifest.commit if manifest else "",
        "detections": len(running),
        "enabled": sum(overrides.get(spec.id, spec.data.get("Enabled") is not False) for spec in running),
        "tests": sum(len(spec.data.get("Tests") or ()) for spec in specs),
        "kinds": dict(Counter(spec.kind for spec in specs)),
        "packs": [spec.id for spec in specs if spec.kind == "pack"],
        "added_at": manifest.added_at if manifest else "",
    }


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError.one(path, f"cannot be read: {error}", fix="Remove it, and add the pack again.") from error
