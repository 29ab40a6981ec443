"""Packs: brought in whole and checked or not at all, updated, switched, and removed."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from cli.conftest import Headwater

RULE = """\
AnalysisType: rule
RuleID: {id}
Enabled: {enabled}
Severity: Low
LogTypes: [AWS.CloudTrail]
Filename: {stem}.py
Tests: [{{Name: t, ExpectedResult: true, Log: {{}}}}]
"""


def write_rule(
    folder: Path, rule_id: str, *, enabled: bool = True, python: str = "def rule(event): return True"
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = rule_id.rpartition(".")[2].lower()
    (folder / f"{stem}.yml").write_text(RULE.format(id=rule_id, enabled=str(enabled).lower(), stem=stem))
    (folder / f"{stem}.py").write_text(python + "\n")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A pack of an enabled and a disabled rule."""
    folder = tmp_path / "Team-Pack"
    write_rule(folder / "rules", "Team.On")
    write_rule(folder / "rules", "Team.Off", enabled=False)
    (folder / "pack.yml").write_text(
        "AnalysisType: pack\nPackID: Team.Both\nPackDefinition: {IDs: [Team.On, Team.Off]}\n"
    )
    return folder


def row(headwater: Headwater, name: str) -> dict[str, object]:
    found: dict[str, object] = next(row for row in headwater("packs", "list", "-o", "json").json if row["name"] == name)
    return found


def enabled_ids(headwater: Headwater) -> set[str]:
    listed = headwater("detections", "list", "--enabled", "--id", "Team.*", "-o", "json").json
    return {found["id"] for found in listed}


def test_a_folder_is_copied_and_its_detections_run_beside_the_built_in_ones(headwater: Headwater, source: Path) -> None:
    done = headwater("packs", "add", source)

    assert done.out == "team-pack: 2 detections, 1 enabled, 2 tests; 3 added\n"
    assert row(headwater, "team-pack")["packs"] == ["Team.Both"]
    assert enabled_ids(headwater) == {"Team.On"}
    assert any(found["id"].startswith("AWS.") for found in headwater("detections", "list", "-o", "json").json)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_with_one_folder_at_its_top(headwater: Headwater, source: Path, tmp_path: Path, kind: str) -> None:
    archive = tmp_path / f"pack.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as opened:
            for path in source.rglob("*.*"):
                opened.write(path, Path("top") / path.relative_to(source))
    else:
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(source, "top")

    assert headwater("packs", "add", archive).out == "pack: 2 detections, 1 enabled, 2 tests; 3 added\n"


def git(folder: Path, *arguments: str) -> str:
    names = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_git_repository_is_followed_by_update(headwater: Headwater, source: Path) -> None:
    git(source, "init", "-q")
    git(source, "add", ".")
    git(source, "commit", "-qm", "one")
    git(source, "tag", "v1")
    url = f"file://{source}"

    assert headwater("packs", "add", url, "--name", "team").code == 0
    assert headwater("packs", "add", url, "--name", "pinned-team", "--ref", "v1").code == 2  # the same ids twice
    assert row(headwater, "team")["commit"] == git(source, "rev-parse", "HEAD")

    write_rule(source / "rules", "Team.New")
    write_rule(source / "rules", "Team.On", python="def rule(event): return True is True")
    (source / "rules" / "off.yml").unlink()
    (source / "pack.yml").unlink()
    git(source, "add", "-A")
    git(source, "commit", "-qm", "two")
    done = headwater("packs", "update", "-o", "json")

    (updated,) = done.json
    assert updated["changes"] == {
        "added": ["rule Team.New"],
        "removed": ["pack Team.Both", "rule Team.Off"],
        "changed": ["rule Team.On"],
    }
    assert enabled_ids(headwater) == {"Team.On", "Team.New"}
    assert headwater("packs", "update", "team").out.endswith("nothing new\n")


@pytest.mark.parametrize("ref", ["side", "v1", "commit"])
def test_a_branch_a_tag_or_a_commit_can_be_brought_in(
    headwater: Headwater, source: Path, tmp_path: Path, ref: str
) -> None:
    git(source, "init", "-q")
    git(source, "add", ".")
    git(source, "commit", "-qm", "one")
    git(source, "tag", "v1")
    git(source, "checkout", "-qb", "side")
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(source), str(bare))
    commit = git(source, "rev-parse", "HEAD")

    done = headwater("packs", "add", bare, "--name", "team", "--ref", commit if ref == "commit" else ref)

    assert done.code == 0
    assert row(headwater, "team")["commit"] == commit
    unknown = headwater("packs", "add", bare, "--name", "other", "--ref", "v2")
    assert "v2: is no branch, tag or commit of the repository" in unknown.err


def test_a_home_inside_the_source_is_left_out(headwater: Headwater, source: Path) -> None:
    done = headwater("packs", "add", source, HEADWATER_HOME=str(source / "home"))

    assert done.code == 0
    assert [path.name for path in (source / "home" / "packs").rglob("on.py")] == ["on.py"]


def test_a_password_of_a_url_is_neither_kept_nor_shown(headwater: Headwater, tmp_path: Path) -> None:
    done = headwater("packs", "add", "http://user:hunter2@127.0.0.1:9/team.git")

    assert done.code == 2
    assert "127.0.0.1:9" in done.err
    assert "hunter2" not in done.err


def test_code_that_does_not_import_is_told_and_alone_in_that(headwater: Headwater, source: Path) -> None:
    write_rule(source / "rules", "Team.Broken", python="import nothing_of_that_name")

    done = headwater("packs", "add", source)

    assert done.code == 0
    assert "does not load: ModuleNotFoundError" in done.err


def test_packs_that_do_not_run_are_told(headwater: Headwater, source: Path) -> None:
    done = headwater("packs", "add", source, HEADWATER_DETECTIONS=json.dumps([str(source)]))

    assert "HEADWATER_DETECTIONS is set" in done.err


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda folder: (folder / "rules" / "on.yml").write_text("AnalysisType: rule\n"), "RuleID is missing"),
        (lambda folder: write_rule(folder, "AWS.CloudTrail.RootActivity"), "the pack 'headwater' has too"),
        (lambda folder: [path.unlink() for path in folder.rglob("*.yml")], "holds no detections"),
        (
            lambda folder: (folder / "query.yml").write_text(
                "AnalysisType: saved_query\nQueryName: AWS.CloudTrail.RootActivity\nQuery: SELECT 1\n"
            ),
            "the pack 'headwater' has too",
        ),
    ],
    ids=["wrong file", "ids of another pack", "no detections", "id of a query"],
)
def test_a_pack_that_is_wrong_changes_nothing(headwater: Headwater, source: Path, break_it: object, told: str) -> None:
    headwater("packs", "add", source)
    break_it(source)  # type: ignore[operator]

    done = headwater("packs", "update", "team-pack")

    assert done.code == 2
    assert told in done.err
    assert enabled_ids(headwater) == {"Team.On"}


def test_code_of_a_pack_sees_no_credentials_while_it_is_checked(
    headwater: Headwater, source: Path, tmp_path: Path
) -> None:
    spy = f"import os\nopen({str(tmp_path / 'spy')!r}, 'w').write(os.environ['AWS_SECRET_ACCESS_KEY'])"
    write_rule(source, "Team.Spy", python=f"{spy}\ndef rule(event): return True")

    headwater("packs", "add", source, AWS_SECRET_ACCESS_KEY="testing")

    assert not (tmp_path / "spy").exists()


def zip_with(path: Path, name: str) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(name, "x")
    return path


@pytest.mark.parametrize("name", ["../evil.yml", "/evil.yml", "a/../../evil.yml", "..\\evil.yml"])
def test_an_archive_cannot_leave_its_folder(headwater: Headwater, tmp_path: Path, name: str) -> None:
    done = headwater("packs", "add", zip_with(tmp_path / "evil.zip", name))

    assert done.code == 2
    assert "would leave its folder" in done.err
    assert not list(tmp_path.rglob("evil.yml"))


def test_an_archive_with_a_password_is_refused(headwater: Headwater, tmp_path: Path) -> None:
    archive = zip_with(tmp_path / "locked.zip", "a.yml")
    data = bytearray(archive.read_bytes())
    data[6] |= 1  # the flag of encryption, in the entry's own header …
    data[data.index(b"PK\x01\x02") + 8] |= 1  # … and in the list at the end
    archive.write_bytes(bytes(data))

    done = headwater("packs", "add", archive)

    assert done.code == 2
    assert "is no zip and no tar that can be read" in done.err


def test_an_archive_that_unpacks_to_too_much_is_refused(
    headwater: Headwater, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.detect.pack_store.MAX_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a.yml", bytes(8 << 20))

    done = headwater("packs", "add", tmp_path / "bomb.zip")

    assert done.code == 2
    assert "is larger than" in done.err
    assert not list((tmp_path / "home" / "packs").rglob("*.yml"))


def test_links_in_packs_lead_nowhere(headwater: Headwater, source: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (source / "rules" / "link.py").symlink_to(tmp_path / "secret")
    archive = tmp_path / "linked.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(source, "top")
        info = tarfile.TarInfo("top/hard.py")
        info.type, info.linkname = tarfile.LNKTYPE, "/etc/passwd"
        tar.addfile(info, io.BytesIO())

    assert headwater("packs", "add", source, "--name", "folder").code == 0
    headwater("packs", "remove", "folder")
    assert headwater("packs", "add", archive, "--name", "archive").code == 0

    assert not [path for path in (tmp_path / "home" / "packs").rglob("*.py") if path.name in ("link.py", "hard.py")]


def test_what_is_no_source_is_told(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("x")

    assert "is no folder, no archive and no git URL" in headwater("packs", "add", "nowhere").err
    assert "is no zip and no tar" in headwater("packs", "add", "text.txt").err


def test_switches_of_packs_definitions_and_detections(headwater: Headwater, source: Path) -> None:
    headwater("packs", "add", source)
    seen = []
    for command, target in [
        ("enable", "team-pack"),
        ("disable", "Team.On"),
        ("disable", "team-pack"),
        ("reset", "Team.On"),
        ("enable", "Team.Both"),
        ("reset", "team-pack"),
        ("reset", "Team.Both"),
    ]:
        assert headwater("packs", command, target).code == 0
        seen.append(sorted(one.rpartition(".")[2] for one in enabled_ids(headwater)))

    assert seen == [["Off", "On"], ["Off"], [], [], ["Off", "On"], ["Off", "On"], ["On"]]


def test_an_unknown_target_is_told_with_the_nearest_name(headwater: Headwater, source: Path) -> None:
    headwater("packs", "add", source)

    done = headwater("packs", "enable", "Team.Onn")

    assert done.code == 1
    assert "there is no pack, PackID or detection 'Team.Onn'; did you mean Team.On?" in done.err


def test_a_removed_pack_is_gone_with_its_switches(headwater: Headwater, source: Path, tmp_path: Path) -> None:
    headwater("packs", "add", source)
    headwater("packs", "disable", "team-pack")

    assert headwater("packs", "remove", "team-pack").code == 0

    assert enabled_ids(headwater) == set()
    assert json.loads((tmp_path / "home" / "packs" / "switches.json").read_text())["packs"] == {}
    assert headwater("packs", "remove", "team-pack").code == 2
