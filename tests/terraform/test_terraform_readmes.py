"""The modules' files: their tables are current, their variables described and never null by accident."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.accounts import load_accounts
from support.terraform import REPOSITORY

MODULES = sorted(path.parent for path in (REPOSITORY / "terraform/modules").rglob("versions.tf"))
FILES = sorted((REPOSITORY / "terraform").rglob("*.tf"))


def blocks(path: Path, kind: str) -> list[tuple[str, str]]:
    """(name, body) of every variable or output in a formatted file."""
    return re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}', path.read_text(), re.MULTILINE | re.DOTALL)


def test_tables_of_inputs_and_outputs_are_current() -> None:
    done = subprocess.run([sys.executable, REPOSITORY / "scripts/terraform_docs.py", "--check"], timeout=60)

    assert done.returncode == 0, "run scripts/terraform_docs.py"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_variable_is_described_and_refuses_null_unless_null_is_its_default(module: Path) -> None:
    for name, body in blocks(module / "variables.tf", "variable"):
        assert "description" in body, name
        assert bool(re.search(r"^  nullable += false$", body, re.M)) != bool(
            re.search(r"^  default += null$", body, re.M)
        ), name


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_variable_that_can_be_wrong_is_validated(module: Path) -> None:
    free = {"bool", "map(string)"}
    for name, body in blocks(module / "variables.tf", "variable"):
        kind = re.search(r"^  type += (.+)$", body, re.MULTILINE)
        assert "validation {" in body or (kind and kind[1] in free), name


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_output_is_described(module: Path) -> None:
    outputs = blocks(module / "outputs.tf", "output")

    assert outputs
    assert all("description" in body for _, body in outputs)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_modules_have_no_provider_blocks(module: Path) -> None:
    assert not [path for path in module.glob("*.tf") if re.search(r"^provider ", path.read_text(), re.MULTILINE)]


def test_no_file_writes_the_commercial_partition_out() -> None:
    """Examples that a person reads (descriptions, comments) may; ARNs that are used may not."""
    used = re.compile(r'^[^#]*"arn:aws:[^"]*\$\{', re.MULTILINE)

    assert not [str(path) for path in FILES if used.search(path.read_text())]


def test_the_examples_accounts_file_is_one_the_service_reads() -> None:
    accounts = load_accounts(REPOSITORY / "terraform/examples/many-accounts/accounts.yml")

    assert [account.name for account in accounts.accounts] == ["payments", "web"]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_module_states_the_range_of_providers_that_is_tested(module: Path) -> None:
    """5.100 is the last of 5; 6 renames what `data.aws_region` gives, and is not tested."""
    assert '">= 5.100, < 6.0"' in (module / "versions.tf").read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY / "terraform")))
def test_nothing_is_used_that_the_next_provider_deprecates(path: Path) -> None:
    code = re.sub(r"#.*", "", path.read_text())

    assert not re.search(r"data\.aws_region\.\w+\.name\b", code)


def test_topic_policy_comes_before_the_notification() -> None:
    text = (REPOSITORY / "terraform/modules/customer_account/s3.tf").read_text()
    depends = re.search(r"depends_on = \[(.*)\]", text)

    assert depends
    assert "aws_sns_topic_policy.this" in depends[1]
    assert text.count('resource "aws_s3_bucket_notification"') == 1
