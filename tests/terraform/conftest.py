"""Terraform against a local AWS. Everything runs in copies: the repository stays clean."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from headwater.demo.aws_server import LocalAws, start
from support.terraform import REPOSITORY, Terraform, TerraformFailed, find_terraform, init_arguments

CENTRAL_ID = "999988887777"
CUSTOMER_ID = "111122223333"


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository's terraform folder."""
    folder = tmp_path_factory.mktemp("terraform")
    shutil.copytree(REPOSITORY / "terraform", folder / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
    return folder / "terraform"


@pytest.fixture(scope="session")
def binary() -> str:
    """Terraform; its tests are skipped where there is none."""
    found = find_terraform()
    if found is None:
        pytest.skip("no terraform binary on PATH or in .tools (run `make terraform`)")
    return found


@pytest.fixture(scope="session")
def initialised(tree: Path, binary: str) -> Callable[[str], Terraform]:
    """Give the Terraform of one folder below terraform/, initialised without a backend."""

    def initialise(folder: str, *arguments: str) -> Terraform:
        terraform = Terraform(tree / folder, binary)
        try:
            terraform.run(*init_arguments(), *(arguments or ("-backend=false",)))
        except TerraformFailed as error:
            if "registry.terraform.io" in str(error):
                pytest.skip("no AWS provider: set TF_PLUGIN_DIR to a mirror, or let Terraform reach its registry")
            raise
        return terraform

    return initialise


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    """A local AWS of several accounts, for the session."""
    with start() as running:
        yield running
