"""The modules' own tests, formatting, and the examples' validity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.terraform import Terraform

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(600)]
LOGS = [f"customer_logs/{name}" for name in ("bucket", "cloudtrail", "s3_access", "vpc_flow")]
MODULES = ["customer_account", *LOGS, "intake", "lake", "network", "observability", "platform", "service", "state"]


@pytest.mark.parametrize("module", MODULES)
def test_module_passes_its_own_tests(initialised: Callable[[str], Terraform], module: str) -> None:
    said = initialised(f"modules/{module}").run("test", "-no-color", timeout_s=500)

    assert "Success!" in said


@pytest.mark.parametrize("root", ["minimal", "many-accounts/central", "many-accounts/account"])
def test_example_is_valid(initialised: Callable[[str], Terraform], root: str) -> None:
    assert "Success!" in initialised(f"examples/{root}").run("validate", "-no-color")


def test_every_file_is_formatted(binary: str, tree: Path) -> None:
    assert Terraform(tree, binary).run("fmt", "-check", "-recursive", codes=(0, 3)) == ""
