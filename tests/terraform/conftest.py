"""Terraform against a local AWS. Everything runs in copies: the repository stays clean."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from headwater.demo.aws_server import LocalAws, start
from support.central_proofs import render, root_of_proofs
from support.customer_cases import root_of_cases
from support.customer_combinations import add_choices, covering_choices
from support.terraform import REPOSITORY, Terraform, TerraformFailed, find_terraform, init_arguments, planned_values
from support.terraform_lifecycles import Lifecycle, many_accounts, minimal


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

    @cache
    def initialise(folder: str) -> Terraform:
        terraform = Terraform(tree / folder, binary)
        try:
            terraform.run(*init_arguments(), "-backend=false")
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


@pytest.fixture(scope="session")
def planned(initialised: Callable[[str], Terraform], tree: Path, aws: LocalAws) -> Mapping[str, Any]:
    """One plan of every case in support/customer_cases.py: the modules with real policies, nothing made."""
    (tree / "cases").mkdir()
    root = add_choices(root_of_cases(), covering_choices())
    (tree / "cases/main.tf.json").write_text(json.dumps(root))
    terraform = dataclasses.replace(initialised("cases"), environment=aws.environment)
    return terraform.plan()


@pytest.fixture(scope="session")
def resources(planned: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Address → planned attributes, e.g. module.full.aws_iam_role.this[0]."""
    return planned_values(planned)


@pytest.fixture(scope="session")
def outputs(planned: Mapping[str, Any]) -> Mapping[str, Any]:
    """Name → value of the outputs known at plan: full_trust, full_permissions."""
    return {name: output["value"] for name, output in planned["planned_values"]["outputs"].items() if "value" in output}


@pytest.fixture(scope="session")
def proofs(initialised: Callable[[str], Terraform], tree: Path, aws: LocalAws) -> Mapping[str, Mapping[str, Any]]:
    """module.document → the policy that a central module makes, see support/central_proofs.py."""
    (tree / "proofs").mkdir()
    (tree / "proofs/main.tf.json").write_text(json.dumps(root_of_proofs()))
    return render(dataclasses.replace(initialised("proofs"), environment=aws.environment))


@pytest.fixture(scope="session")
def started(
    initialised: Callable[[str], Terraform], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Lifecycle]]]:
    """The lifecycles of both examples, side by side: most of their time is waiting."""
    roots = {name: initialised(f"examples/many-accounts/{name}") for name in ("central", "account")}
    states = tmp_path_factory.mktemp("states")
    with ThreadPoolExecutor(2) as pool:
        yield {
            "minimal": pool.submit(minimal, initialised("examples/minimal")),
            "many_accounts": pool.submit(many_accounts, roots.__getitem__, states),
        }
