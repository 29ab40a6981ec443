"""The workflows on GitHub and what a release packs: parsed, linted, and packed as the workflow does."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import re
import subprocess
import sysconfig
import tarfile
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"
# BaseLoader: everything is text, so that the key `on` is not read as true.
WORKFLOWS: dict[str, dict[str, Any]] = {
    path.name: yaml.load(path.read_text(), yaml.BaseLoader) for path in sorted(FOLDER.glob("*.yml"))
}
JOBS = {f"{file}:{name}": job for file, workflow in WORKFLOWS.items() for name, job in workflow["jobs"].items()}
STEPS = [step for job in JOBS.values() for step in job.get("steps", [])]
RELEASE = WORKFLOWS["release.yml"]
MODULES = ["customer-account", "customer-logs-cloudtrail", "intake", "lake", "network", "observability", "platform"]


@pytest.fixture(scope="module")
def artefacts() -> ModuleType:
    """The script that the workflow runs."""
    spec = importlib.util.spec_from_file_location("release_artefacts", ROOT / "scripts" / "release_artefacts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def packed(artefacts: ModuleType) -> dict[str, bytes]:
    contents: dict[str, bytes] = artefacts.artefacts("1.2.3")
    return contents


# Workflows


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sysconfig.get_path("scripts")) / "zizmor"
    command = [zizmor, "--offline", "--no-progress", "--quiet", "--persona", "pedantic", FOLDER]

    audited = subprocess.run(command, capture_output=True, text=True, check=False)

    assert audited.returncode == 0, audited.stdout + audited.stderr


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_may_do_nothing_that_a_job_does_not_ask_for(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}


@pytest.mark.parametrize(
    ("job", "writes"),
    [
        ("ci.yml:check", set()),
        ("release.yml:check", set()),
        ("release.yml:image", {"packages", "id-token", "attestations"}),
        ("release.yml:release", {"contents", "id-token", "attestations"}),
    ],
)
def test_job_may_write_only_what_it_makes(job: str, writes: set[str]) -> None:
    permissions = JOBS[job]["permissions"]

    assert {name for name, level in permissions.items() if level == "write"} == writes
    assert {name for name, level in permissions.items() if level != "write"} <= {"contents"}


def test_every_job_is_in_the_table_above() -> None:
    assert JOBS.keys() == {"ci.yml:check", "release.yml:check", "release.yml:image", "release.yml:release"}


def test_every_action_is_pinned_by_commit_with_its_version_beside_it() -> None:
    used = [line for path in FOLDER.glob("*.yml") for line in path.read_text().splitlines() if " uses: " in line]
    foreign = [line for line in used if "uses: ./" not in line]

    assert [line for line in foreign if not re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []
    assert len({line.split("uses: ")[1] for line in foreign}) == len(
        {line.split("uses: ")[1].split("@")[0] for line in foreign}
    )


def test_changes_and_releases_run_what_a_merge_needs_first() -> None:
    assert {"push", "pull_request", "workflow_call"} == WORKFLOWS["ci.yml"]["on"].keys()
    assert [step["run"] for step in JOBS["ci.yml:check"]["steps"] if "run" in step] == [".ci/run"]
    assert RELEASE["jobs"]["check"]["uses"] == "./.github/workflows/ci.yml"
    assert (RELEASE["jobs"]["image"]["needs"], RELEASE["jobs"]["release"]["needs"]) == ("check", "image")


def test_a_version_tag_and_nothing_else_releases() -> None:
    assert RELEASE["on"] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}


def test_every_file_that_a_step_names_exists() -> None:
    commands = "\n".join(step.get("run", "") for step in STEPS)
    named = re.findall(r"\b(?:scripts/\S+\.py|Dockerfile)\b|\.ci/run", commands)

    assert set(named) == {".ci/run", "scripts/release_artefacts.py", "Dockerfile"}
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_job_ends_by_itself() -> None:
    assert [name for name, job in JOBS.items() if "timeout-minutes" not in job and "uses" not in job] == []


def test_image_is_built_for_both_architectures_on_a_base_pinned_by_digest() -> None:
    (build,) = [step["with"] for step in STEPS if step.get("id") == "build"]
    (found,) = [step["run"] for step in STEPS if step.get("id") == "of"]
    arguments = dict(line.split("=", 1) for line in build["build-args"].splitlines())
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))

    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert "base=$base@$digest" in found
    assert arguments["PYTHON_IMAGE"] == "${{ steps.of.outputs.base }}"
    assert arguments.keys() == declared
    assert (build["provenance"], build["sbom"]) == ("mode=max", "true")


def test_what_is_signed_is_the_digest_that_was_pushed() -> None:
    signing = [step for step in STEPS if "cosign " in step.get("run", "")]

    assert {step["env"]["SIGNED"] for step in signing} == {"${{ env.IMAGE }}@${{ steps.build.outputs.digest }}"}
    assert any("/opt/headwater/sbom.cdx.json" in step["run"] for step in signing)


# Artefacts


@pytest.mark.parametrize("module", MODULES)
def test_every_module_and_template_is_published(packed: dict[str, bytes], module: str) -> None:
    assert f"headwater-{module}-1.2.3.tar.gz" in packed
    assert {"headwater-customer-account-1.2.3.yml", "headwater-customer-account-stackset-1.2.3.yml"} <= packed.keys()


def test_an_archive_holds_every_module_that_its_modules_call(packed: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in packed.items():
        if name.endswith(".tar.gz"):
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(tmp_path / name, filter="data")

    called = [
        (file, source)
        for file in tmp_path.rglob("*.tf")
        for source in re.findall(r'source\s*=\s*"(\.\.?/[^"]+)"', file.read_text())
    ]
    assert len(called) > 6
    assert [source for file, source in called if not (file.parent / source / "versions.tf").exists()] == []


def test_an_archive_holds_the_files_of_the_repository(packed: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed["headwater-platform-1.2.3.tar.gz"])) as archive:
        names = set(archive.getnames())
        main = archive.extractfile("platform/main.tf")
        assert main is not None
        assert main.read() == (ROOT / "terraform/modules/platform/main.tf").read_bytes()

    assert {"LICENSE", "platform/README.md", "state/rds.tf", "service/ecs.tf"} <= names
    assert [name for name in names if "tests" in name or ".terraform" in name] == []


def test_packing_again_gives_the_same_bytes(artefacts: ModuleType, packed: dict[str, bytes]) -> None:
    assert artefacts.artefacts("1.2.3") == packed


def test_checksums_are_those_of_the_files(artefacts: ModuleType, packed: dict[str, bytes], tmp_path: Path) -> None:
    artefacts.write(tmp_path, packed)

    sums = dict(reversed(line.split("  ")) for line in (tmp_path / "SHA256SUMS").read_text().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in packed.items()}


def test_notes_are_the_changelogs_section_of_the_version(artefacts: ModuleType) -> None:
    changelog = (
        "# Changelog\n\n## Unreleased\n\n## 1.2.3 (2026-03-04)\n\n### Added\n- A thing.\n\n## 1.2.30\n- Another.\n"
    )

    assert artefacts.section(changelog, "1.2.3") == "### Added\n- A thing."
    assert artefacts.section(changelog, "1.2") == ""


@pytest.mark.parametrize("tag", ["v0.0.0", "0.1.0", "v0.1.0-rc1"])
def test_a_tag_that_is_not_the_version_releases_nothing(
    artefacts: ModuleType, tmp_path: Path, tag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert artefacts.main(tag, tmp_path / "dist") == 1
    assert f"pyproject.toml says {declared}" in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()
