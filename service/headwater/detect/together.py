"""What no single detection file shows: ids that stand twice, ids that nobody has, two data models for one log type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headwater.detect.kinds import KINDS
from headwater.detect.spec import Spec
from headwater.errors import Problem

SHARED_KINDS = frozenset(("global", "datamodel", "pack"))  # two folders may use the same id; alerts never show it


def problems(specs: Sequence[Spec]) -> Iterator[Problem]:
    """Every contradiction between the files of all folders."""
    yield from _repeated_ids(specs)
    yield from _unknown_ids(specs)
    yield from _missing_bases(specs)
    yield from _rival_models(specs)


def _repeated_ids(specs: Sequence[Spec]) -> Iterator[Problem]:
    earlier: dict[str, list[Spec]] = {}
    for spec in specs:
        rival = next((one for one in earlier.get(spec.id, ()) if _clash(one, spec)), None)
        if spec.id and rival:
            yield spec.problem((KINDS[spec.kind].id_key,), f"{spec.id!r} is also the id in {rival.file}", "Rename one.")
        earlier.setdefault(spec.id, []).append(spec)


def _clash(one: Spec, other: Spec) -> bool:
    return one.folder == other.folder or not SHARED_KINDS & {one.kind, other.kind}


def _unknown_ids(specs: Sequence[Spec]) -> Iterator[Problem]:
    known = {spec.id for spec in specs}
    for spec in specs:
        definition = spec.data.get("PackDefinition")
        ids = definition.get("IDs") if isinstance(definition, dict) else None
        for index, name in enumerate(ids if isinstance(ids, list) else ()):
            if isinstance(name, str) and name not in known:
                yield spec.problem(("PackDefinition", "IDs", index), f"no detection has the id {name!r}")


def base_of(spec: Spec, specs: Sequence[Spec]) -> Spec | None:
    """The rule from which a derived rule inherits: one of its own folder before those of others."""
    name = spec.data.get("BaseDetection")
    found = [one for one in specs if one.id == name and one.kind == "rule" and "BaseDetection" not in one.data]
    return min(found, key=lambda one: one.folder != spec.folder, default=None)


def _missing_bases(specs: Sequence[Spec]) -> Iterator[Problem]:
    for spec in specs:
        if spec.kind == "rule" and "BaseDetection" in spec.data and base_of(spec, specs) is None:
            name = spec.data["BaseDetection"]
            message = f"no rule with a Filename or a Detection of its own has the id {name!r}"
            yield spec.problem(("BaseDetection",), message)


def _rival_models(specs: Sequence[Spec]) -> Iterator[Problem]:
    owners: dict[tuple[int, str], Spec] = {}
    for spec in specs:
        log_types = spec.data.get("LogTypes")
        if spec.kind != "datamodel" or spec.data.get("Enabled") is not True or not isinstance(log_types, list):
            continue
        for index, log_type in enumerate(log_types):
            first = owners.setdefault((spec.folder, str(log_type)), spec)
            if first is not spec:
                message = f"{log_type} already has the enabled data model {first.id!r}, in {first.file}"
                yield spec.problem(("LogTypes", index), message, "Disable one of them.")
