"""The container image, without building it: what it copies exists, what it runs is ours, nobody is root."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
# A line that continues is one instruction.
LINES = re.sub(r"\\\n\s*", "", (REPOSITORY / "Dockerfile").read_text()).splitlines()
INSTRUCTIONS = [line for line in LINES if line and not line.startswith("#")]


def arguments(name: str) -> list[str]:
    """What follows each instruction of a name."""
    return [line.removeprefix(name).strip() for line in INSTRUCTIONS if line.startswith(f"{name} ")]


def test_every_copied_path_exists_and_is_let_through_to_the_build() -> None:
    copied = [path for line in arguments("COPY") if "--from" not in line for path in line.split()[:-1]]
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()

    assert [path for path in copied if not (REPOSITORY / path).exists()] == []
    assert [path for path in copied if f"!{path.removeprefix('./')}" not in ignored] == []


def test_image_runs_as_a_user_without_rights() -> None:
    assert arguments("USER") == ["10001"]
    assert INSTRUCTIONS.index("USER 10001") < INSTRUCTIONS.index('ENTRYPOINT ["headwater"]')


def test_base_image_is_an_argument_with_a_fixed_version() -> None:
    (image,) = arguments("ARG")

    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim-\w+", image)
    assert all("latest" not in line for line in arguments("FROM"))


def test_commands_take_signals_themselves() -> None:
    assert all(line.startswith("[") for name in ("ENTRYPOINT", "CMD") for line in arguments(name))


def test_build_installs_locked_dependencies_by_hash() -> None:
    pip = [line for line in arguments("RUN") if "pip install" in line]

    assert all("--require-hashes" in line or "--no-deps" in line for line in pip)


def test_lock_of_the_image_holds_every_dependency_and_no_test_tool() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    lock = (REPOSITORY / "requirements-service.lock").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    wanted = {re.split(r"[\[>=]", name)[0].lower() for name in project["dependencies"]}

    assert wanted - locked == set()
    assert locked & {"pytest", "moto", "mypy", "ruff"} == set()
