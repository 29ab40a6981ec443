"""Packs brought from a folder, a git repository or an archive into HEADWATER_HOME/packs; nothing of theirs runs here.

A version is complete and checked before its link is set, so that a running service sees the old one or the new one.
"""

from __future__ import annotations

import fcntl
import hashlib
import lzma
import os
import re
import shutil
import stat
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Literal

import msgspec

from headwater.detect import packs
from headwater.detect.load import builtin_path
from headwater.detect.packs import MANIFEST, NAME, Changes, Manifest, installed, packs_folder, read_manifest
from headwater.detect.spec import Spec, read_folder
from headwater.errors import ConfigError, DetectionError

MAX_FILES = 50_000
MAX_BYTES = 512 * 1024 * 1024
GIT_LIMIT_S = 300
KEPT_OUT = frozenset((".git", "__pycache__", MANIFEST))
STORE = ".store"
# RuntimeError, NotImplementedError: zips with a password, or of a compression that zipfile does not know
UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)
Check = Callable[[Path], None]  # raises DetectionError for a folder whose detections do not load
Kind = Literal["folder", "git", "archive"]


@dataclass(frozen=True, slots=True)
class Installed:
    """What came of it. changes: against the version before; None: the very same files."""

    manifest: Manifest
    changes: Changes | None


def kind_of(source: str) -> Kind:
    """What a source is. Raises: ConfigError for one that is nothing."""
    path = Path(source)
    if path.is_dir():
        return "git" if (path / "HEAD").is_file() and (path / "objects").is_dir() else "folder"
    if path.is_file():
        return "archive"
    if "://" in source or source.startswith("git@") or source.endswith(".git"):
        return "git"
    raise ConfigError.one(source, "is no folder, no archive and no git URL", fix="Check the path, or give a URL.")


def default_name(source: str) -> str:
    """A name out of the last part of a source."""
    last = source.rstrip("/").rpartition("/")[2]
    for ending in (".git", ".zip", ".tar.gz", ".tgz", ".tar"):
        last = last.removesuffix(ending)
    return last.lower()


def install(home: Path, name: str, source: str, ref: str, now: datetime, check: Check) -> Installed:
    """Bring a pack in, or another version of one.

    Raises: ConfigError, DetectionError for a pack that does not load or has ids of another pack; nothing changes then.
    """
    if not NAME.match(name) or name == packs.BUILTIN:
        fix = "Give one by --name: lower-case letters, digits, '.', '-' and '_'."
        raise ConfigError.one(name, "is no name for a pack", fix=fix)
    kind = kind_of(source)
    if ref and kind != "git":
        raise ConfigError.one("--ref", f"{source} is no git repository")
    store = packs_folder(home) / STORE
    store.mkdir(parents=True, exist_ok=True)
    with locked(home), tempfile.TemporaryDirectory(prefix=f"{name}-", dir=store) as scratch:
        folder, commit = Path(scratch) / "pack", ""
        if kind == "git":
            commit = _clone(source, ref, folder)
        elif kind == "archive":
            _extract(Path(source), folder)
        else:
            _copy(Path(source), folder, packs_folder(home))
        specs = _checked(folder, name, home, check)
        resolved = without_password(source) if "://" in source else _absolute(source)
        manifest = Manifest(name, resolved, kind, ref, commit, _digest(folder), now.isoformat(timespec="seconds"))
        return Installed(manifest, _switch(home, folder, manifest, packs.fingerprints(specs)))


def _absolute(source: str) -> str:
    return str(Path(source).resolve()) if Path(source).exists() else source


def update(home: Path, name: str, now: datetime, check: Check) -> Installed:
    """Bring a pack in again from where it came. Raises: as install; ConfigError for one that is not installed."""
    known = read_manifest(_folder(home, name))
    return install(home, name, known.source, known.ref, now, check)


def remove(home: Path, name: str) -> None:
    """Take a pack out, with what was said of it. Raises: ConfigError for one that is not installed."""
    link = _folder(home, name)
    with locked(home):
        target = link.resolve()
        link.unlink()
        shutil.rmtree(target)
        switches = packs.read_switches(home)
        kept = {key: value for key, value in switches.packs.items() if key != name}
        packs.write_switches(home, packs.Switches(kept, switches.definitions, switches.detections))


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Waits until no other command changes the packs."""
    root = packs_folder(home)
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _folder(home: Path, name: str) -> Path:
    found = installed(home).get(name)
    if found is None:
        there = ", ".join(installed(home)) or "none"
        raise ConfigError.one(name, "is no installed pack", fix=f"Installed: {there}.")
    return found


def _checked(folder: Path, name: str, home: Path, check: Check) -> Sequence[Spec]:
    specs, problems = read_folder(folder, 0)
    if not specs and not problems:
        raise ConfigError.one(name, "holds no detections: no YAML with an AnalysisType")
    others = {packs.BUILTIN: builtin_path(), **installed(home)}
    others.pop(name, None)
    problems += packs.rival_ids(specs, {other: read_folder(path.resolve(), 0)[0] for other, path in others.items()})
    if problems:
        raise DetectionError(problems)
    check(folder)
    return specs


def _switch(home: Path, folder: Path, manifest: Manifest, after: dict[str, str]) -> Changes | None:
    """Set the link to a new version, in one step; the version before goes."""
    link = packs_folder(home) / manifest.name
    before = link.resolve() if link.is_symlink() else None
    if before is not None and read_manifest(link).digest == manifest.digest:
        return None
    changes = packs.compare(packs.fingerprints(read_folder(before, 0)[0]) if before else {}, after)
    (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    version = packs_folder(home) / STORE / f"{manifest.name}-{manifest.digest[:16]}"
    shutil.rmtree(version, ignore_errors=True)
    folder.rename(version)
    temporary = link.with_name(f".{manifest.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(version.relative_to(link.parent))
    os.replace(temporary, link)
    if before is not None and before != version.resolve():
        shutil.rmtree(before, ignore_errors=True)
    return changes


def _digest(folder: Path) -> str:
    made = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        made.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        made.update(path.read_bytes())
    return made.hexdigest()


class _Limit:
    """Counts what is written, and stops what is too much."""

    def __init__(self, source: str) -> None:
        self._source, self._files, self._bytes = source, 0, 0

    def write(self, target: Path, content: IO[bytes]) -> None:
        self._files += 1
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            while piece := content.read(1 << 20):
                self._bytes += len(piece)
                if self._files > MAX_FILES or self._bytes > MAX_BYTES:
                    message = f"is larger than {MAX_FILES} files or {MAX_BYTES >> 20} MiB"
                    raise ConfigError.one(self._source, message)
                out.write(piece)


def _copy(source: Path, folder: Path, left_out: Path) -> None:
    """Regular files alone: a link could lead anywhere. left_out: a folder inside the source, which has this copy."""
    limit = _Limit(str(source))
    folder.mkdir()
    for parent, names, files in os.walk(source):
        inside = sorted(name for name in names if name not in KEPT_OUT)
        names[:] = [name for name in inside if Path(parent, name).resolve() != left_out.resolve()]
        for name in sorted(files):
            path = Path(parent, name)
            if name not in KEPT_OUT and path.is_file() and not path.is_symlink():
                with path.open("rb") as content:
                    limit.write(folder / path.relative_to(source), content)


def _extract(archive: Path, folder: Path) -> None:
    limit = _Limit(str(archive))
    with _entries(archive) as entries:
        for name, content in entries:
            parts = PurePosixPath(name.replace("\\", "/")).parts
            if name.startswith(("/", "\\")) or ".." in parts or "\0" in name or ":" in name.split("/", 1)[0]:
                raise ConfigError.one(archive, f"holds {name!r}, which would leave its folder")
            if not KEPT_OUT & set(parts):
                limit.write(folder.joinpath(*parts), content)
    folder.mkdir(exist_ok=True)
    inside = list(folder.iterdir())
    if len(inside) == 1 and inside[0].is_dir():  # archives of hosting services have one folder at the top
        inside[0].rename(folder.with_name("inner"))
        folder.rmdir()
        folder.with_name("inner").rename(folder)


@contextmanager
def _entries(archive: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """Name and content of every regular file of an archive; links and devices are left out."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                yield ((info.filename, opened.open(info)) for info in opened.infolist() if _is_file(info))
            return
        with tarfile.open(archive) as tar:
            yield ((info.name, content) for info in tar if info.isfile() and (content := tar.extractfile(info)))
    except UNREADABLE as error:
        raise ConfigError.one(archive, f"is no zip and no tar that can be read: {error}") from error


def _is_file(info: zipfile.ZipInfo) -> bool:
    mode = info.external_attr >> 16
    return not info.is_dir() and (stat.S_ISREG(mode) or stat.S_IFMT(mode) == 0)


def _clone(url: str, ref: str, folder: Path) -> str:
    """A copy of a repository's files at a ref; gives the commit."""
    repository = folder.with_name("repository")
    if ref.startswith("-"):
        raise ConfigError.one(ref, "is no name of a branch, tag or commit")
    _git("clone", "--quiet", "--no-checkout", "--filter=blob:none", "--", url, str(repository))
    commit = _commit(repository, ref)
    _git("-C", str(repository), "checkout", "--quiet", "--detach", commit)
    _copy(repository, folder, folder)
    return commit


def _commit(repository: Path, ref: str) -> str:
    """The commit of a branch, a tag or the beginning of a commit; the default branch's without one."""
    names = (f"origin/{ref}", ref) if ref else ("HEAD",)
    for name in names:
        found = _run_git("-C", str(repository), "rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")
        if found.returncode == 0:
            return found.stdout.strip()
    raise ConfigError.one(ref, "is no branch, tag or commit of the repository")


def _git(*arguments: str) -> None:
    done = _run_git(*arguments)
    if done.returncode != 0:
        told = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise ConfigError.one("git", f"{without_password(' '.join(arguments))}: {without_password(told[0])}")


def _run_git(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-c", "protocol.file.allow=always", "-c", "core.hooksPath=/dev/null", *arguments]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
    try:
        return subprocess.run(  # noqa: S603 — arguments, no shell
            command, capture_output=True, text=True, timeout=GIT_LIMIT_S, check=False, env=environment
        )
    except FileNotFoundError as error:
        raise ConfigError.one("git", "is not installed", fix="Install git, or give a folder or an archive.") from error
    except subprocess.TimeoutExpired as error:
        raise ConfigError.one("git", f"{arguments[0]} took more than {GIT_LIMIT_S} s") from error


def without_password(text: str) -> str:
    """A text whose URLs have lost user names and passwords: they are not for files and screens."""
    return re.sub(r"(https?://)[^/@\s]+@", r"\1", text)
