"""Pack what a release publishes beside the image: Terraform modules, CloudFormation templates, their checksums.

python scripts/release_artefacts.py vX.Y.Z FOLDER    writes into FOLDER, prints the release notes
Exit 1: the tag is not the version of pyproject.toml, or CHANGELOG.md has no section for it.

A module's archive holds the module and those that it calls, beside one another as in terraform/modules, so that
`source = "https://…/headwater-platform-X.Y.Z.tar.gz//platform"` works. Packing twice gives the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = ROOT / "terraform" / "modules"
TEMPLATES = ROOT / "cfn_templates"
CALL = re.compile(r'^\s*source\s*=\s*"(\.\.?/[^"]+)"', re.MULTILINE)


def main(tag: str, folder: Path) -> int:
    """Write the archives and SHA256SUMS, and print the notes."""
    version = tag.removeprefix("v")
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    notes = section((ROOT / "CHANGELOG.md").read_text("utf-8"), version)
    if tag != f"v{declared}" or not notes:
        reason = (
            f"pyproject.toml says {declared}" if tag != f"v{declared}" else f"CHANGELOG.md has no section {version}"
        )
        print(f"{tag} cannot be released: {reason}", file=sys.stderr)
        return 1
    write(folder, artefacts(version))
    print(notes)
    return 0


def section(changelog: str, version: str) -> str:
    """What the changelog says about a version; empty where it says nothing."""
    title, end = rf"^## {re.escape(version)}(?![.\w-])[^\n]*\n", r"(?=^## |\Z)"
    found = re.search(f"{title}(.*?){end}", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def artefacts(version: str) -> dict[str, bytes]:
    """File name → content of everything but the checksums."""
    modules = sorted(path.parent for path in MODULES.rglob("versions.tf") if ".terraform" not in path.parts)
    packed = {f"headwater-{_name(each)}-{version}.tar.gz": pack(called(each)) for each in modules}
    templates = {f"headwater-{path.stem}-{version}.yml": path.read_bytes() for path in sorted(TEMPLATES.glob("*.yml"))}
    return {**packed, **templates}


def _name(module: Path) -> str:
    return "-".join(module.relative_to(MODULES).parts).replace("_", "-")


def called(module: Path) -> set[Path]:
    """A module and every module that it calls, however far down."""
    found, waiting = {module}, [module]
    while waiting:
        here = waiting.pop()
        for source in CALL.findall("\n".join(path.read_text("utf-8") for path in here.glob("*.tf"))):
            there = (here / source).resolve()
            if there not in found:
                found.add(there)
                waiting.append(there)
    return found


def pack(modules: set[Path]) -> bytes:
    """The modules' own files (not their tests) and the licence as a gzipped archive."""
    files = {"LICENSE": ROOT / "LICENSE"}
    for module in modules:
        files |= {str(path.relative_to(MODULES)): path for path in module.iterdir() if path.suffix in (".tf", ".md")}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, path in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            archive.addfile(entry, io.BytesIO(path.read_bytes()))
    return gzip.compress(plain.getvalue(), mtime=0)


def write(folder: Path, contents: dict[str, bytes]) -> None:
    """The files, and SHA256SUMS in the form that `sha256sum --check` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    sums = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(contents.items())]
    (folder / "SHA256SUMS").write_text("".join(sums), "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
