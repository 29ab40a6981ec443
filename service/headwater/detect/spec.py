"""Detection files: found by walking a folder, read, and checked one by one against their kind."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater import yamlfile
from headwater.detect.kinds import KINDS, complaints
from headwater.errors import ConfigError, Problem

TEMPLATES = "templates"


@dataclass(frozen=True, slots=True)
class Spec:
    """One YAML document with an AnalysisType. folder: number of the folder it came from."""

    kind: str
    id: str
    file: Path
    root: Path
    folder: int
    document: yamlfile.Document

    @property
    def data(self) -> Mapping[str, Any]:
        """The document's content."""
        data: Mapping[str, Any] = self.document.data
        return data

    @property
    def python(self) -> Path | None:
        """The file of its Python, if it names one."""
        name = self.data.get("Filename")
        return (self.file.parent / name).resolve() if isinstance(name, str) and name else None

    def problem(self, path: yamlfile.Path, message: str, fix: str = "") -> Problem:
        """A problem at one place of this file."""
        key = ".".join(str(step) for step in path)
        return Problem(str(self.file), self.document.line(path), key, message, fix)


def read_folder(root: Path, folder: int) -> tuple[list[Spec], list[Problem]]:
    """Every well-formed detection file under a folder, and what is wrong with the others."""
    if not root.is_dir():
        return [], [Problem(str(root), None, "", "is no folder of detections")]
    specs: list[Spec] = []
    problems: list[Problem] = []
    for file in yaml_files(root):
        if is_placeholder(file, root):
            continue
        spec, found = _read(file, root, folder)
        problems += found
        specs += [spec] if spec else []
    return specs, problems


def is_placeholder(file: Path, root: Path) -> bool:
    """Whether a file is a form to be filled in: repositories of detections keep those in `templates`."""
    return file.relative_to(root).parts[0] == TEMPLATES


def yaml_files(root: Path) -> Iterator[Path]:
    """Every *.yml and *.yaml below a folder in a stable order; hidden names and caches are left out."""
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
        for name in sorted(files):
            if name.endswith((".yml", ".yaml")) and not name.startswith("."):
                yield Path(parent, name)


def _read(file: Path, root: Path, folder: int) -> tuple[Spec | None, list[Problem]]:
    try:
        document = yamlfile.load(file.read_text("utf-8"), str(file))
    except ConfigError as error:
        return None, error.problems
    except (OSError, UnicodeDecodeError) as error:
        return None, [Problem(str(file), None, "", f"cannot be read as UTF-8 text: {error}")]
    if not isinstance(document.data, dict) or "AnalysisType" not in document.data:
        return None, []
    name = document.data["AnalysisType"]
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        message = f"{name!r} is none of {', '.join(KINDS)}"
        return None, [Problem(str(file), document.line(("AnalysisType",)), "AnalysisType", message)]
    spec = Spec(kind.name, str(document.data.get(kind.id_key) or ""), file, root, folder, document)
    problems = [spec.problem(path, message) for path, message in complaints(kind, spec.data)]
    return spec, problems + _python_problems(spec)


def _python_problems(spec: Spec) -> list[Problem]:
    """Code that is missing; the data of a lookup table may come later, and then the table alone is missing."""
    path = spec.python
    if path is None or spec.kind == "lookup_table" or (path.is_relative_to(spec.root) and path.is_file()):
        return []
    return [spec.problem(("Filename",), f"{spec.data['Filename']!r} is no file inside {spec.root}")]
