from __future__ import annotations

import re
from pathlib import Path

import pytest

from headwater.errors import OnboardError
from headwater.onboard import assets
from headwater.onboard.plan import Unit
from headwater.onboard.root import MODULE_VARIABLES, Backend, document, relative, write_root

MODULE = assets.module_path("customer_account")


def test_root_passes_only_variables_that_the_module_has() -> None:
    declared = set(re.findall(r'^variable "(\w+)"', (MODULE / "variables.tf").read_text(), re.MULTILINE))

    assert set(MODULE_VARIABLES) <= declared


def test_root_acts_in_the_account_by_its_deploy_role_only() -> None:
    provider = document("../m", "local")["provider"]["aws"]

    assert provider["allowed_account_ids"] == ["${var.account_id}"]
    assert provider["assume_role"]["role_arn"] == "${var.deploy_role_arn}"


def test_module_is_named_relative_to_the_root(tmp_path: Path) -> None:
    assert relative(tmp_path / "modules" / "m", tmp_path / "root") == "../modules/m"
    assert relative(tmp_path / "root" / "m", tmp_path / "root") == "./m"


def test_root_that_is_right_is_left_alone(tmp_path: Path) -> None:
    write_root(tmp_path, MODULE, Backend(tmp_path))
    before = (tmp_path / "main.tf.json").stat().st_mtime_ns

    write_root(tmp_path, MODULE, Backend(tmp_path))

    assert (tmp_path / "main.tf.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("bucket", "expected"),
    [
        pytest.param(None, {"path": "/states/accounts/1/terraform.tfstate"}, id="local"),
        pytest.param(
            "tf",
            {"bucket": "tf", "key": "accounts/1/terraform.tfstate", "region": "us-east-1", "use_lockfile": "true"},
            id="s3",
        ),
    ],
)
def test_state_of_an_account_has_its_own_place(bucket: str | None, expected: dict[str, str]) -> None:
    unit = Unit("1", "us-east-1", "arn", {})

    assert Backend(Path("/states"), bucket).arguments(unit) == expected


def test_plugin_folder_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OnboardError, match=r"holds no registry\.terraform\.io/hashicorp/aws"):
        assets.plugin_folder({"TF_PLUGIN_DIR": str(tmp_path)})


def test_plugin_folder_named_by_the_environment_is_taken(tmp_path: Path) -> None:
    (tmp_path / assets.PROVIDER).mkdir(parents=True)

    assert assets.plugin_folder({"TF_PLUGIN_DIR": str(tmp_path)}) == tmp_path


def test_missing_module_names_the_places_looked_at() -> None:
    with pytest.raises(OnboardError, match=r"module absent is missing: neither .* nor .*absent"):
        assets.module_path("absent")
