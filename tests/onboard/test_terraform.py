"""The wrapper around Terraform, with a program in Terraform's place that notes how it was called."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import OnboardError
from headwater.onboard import terraform
from headwater.onboard.terraform import State, process_environment

FAKE = """\
#!{python}
import json, os, sys, time
files = [arg.partition("=")[2] for arg in sys.argv if arg.startswith("-var-file=")]
call = {{"argv": sys.argv[1:], "env": dict(os.environ), "files": files}}
call["variables"] = [json.load(open(name)) for name in files]
call["stdin"] = sys.stdin.read()
open(os.environ["CALLS"], "a").write(json.dumps(call) + "\\n")
time.sleep(float(os.environ.get("TAKES_S", "0")))
sys.stdout.write(os.environ.get("OUT", ""))
sys.stderr.write(os.environ.get("ERR", ""))
sys.exit(int(os.environ.get("CODE", "0")))
"""


class Fake:
    """What was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file = folder / "calls"
        program = folder / "bin" / "terraform"
        program.parent.mkdir()
        program.write_text(FAKE.format(python=sys.executable))
        program.chmod(0o755)

    def state(self, timeout_s: float = 60, **environment: str) -> State:
        environment = {"CALLS": str(self.calls_file), **environment}
        return State(self.folder, self.folder / "data", {"path": "x.tfstate"}, environment, timeout_s)

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.calls_file.read_text().splitlines()]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return made


@pytest.mark.parametrize(
    ("code", "changes"), [pytest.param("0", False, id="no-changes"), pytest.param("2", True, id="changes")]
)
def test_plan_tells_changes_from_none(fake: Fake, code: str, changes: bool) -> None:
    out = "...\nPlan: 3 to add, 0 to change, 0 to destroy.\n...\n"

    planned = terraform.plan(fake.state(CODE=code, OUT=out), {})

    assert (planned.changes, planned.summary) == (changes, "Plan: 3 to add, 0 to change, 0 to destroy.")


def test_plan_names_what_it_would_change(fake: Fake) -> None:
    out = (
        "Terraform will perform the following actions:\n\n"
        "  # module.m.aws_iam_role.this[0] will be updated in-place\n  ~ resource ...\n"
        '  # module.m.aws_sns_topic.this["logs"] must be replaced\n-/+ resource ...\n'
        "  # module.m.aws_sns_topic.old will be destroyed, as it is not in configuration\n"
    )

    assert terraform.plan(fake.state(CODE="2", OUT=out), {}).resources == {
        "module.m.aws_iam_role.this[0]": "will be updated in-place",
        'module.m.aws_sns_topic.this["logs"]': "must be replaced",
        "module.m.aws_sns_topic.old": "will be destroyed",
    }


def test_a_state_without_resources_lists_none(fake: Fake) -> None:
    assert terraform.addresses(fake.state(CODE="1", OUT="")) == frozenset()
    assert terraform.addresses(fake.state(OUT="a.b\nmodule.m.c.d[0]\n")) == {"a.b", "module.m.c.d[0]"}


def test_variables_travel_in_a_file_that_is_removed(fake: Fake) -> None:
    terraform.apply(fake.state(), {"external_id": "se'cr$et", "sources": [{"prefix": 'a "b"'}]})

    call = fake.calls[0]
    assert call["variables"] == [{"external_id": "se'cr$et", "sources": [{"prefix": 'a "b"'}]}]
    assert "se'cr$et" not in " ".join(call["argv"])
    assert not Path(call["files"][0]).exists()


def test_apply_and_destroy_never_ask(fake: Fake) -> None:
    terraform.apply(fake.state(), {})
    terraform.destroy(fake.state(), {})

    assert all("-auto-approve" in arg for call in fake.calls for arg in call["argv"] if "approve" in arg)
    assert [call["argv"][0] for call in fake.calls] == ["apply", "destroy"]
    assert not any("-force" in call["argv"] for call in fake.calls)
    assert [call["stdin"] for call in fake.calls] == ["", ""]


def test_init_names_backend_and_mirror(fake: Fake) -> None:
    terraform.init(fake.state(), fake.folder)

    argv = fake.calls[0]["argv"]
    assert {"-backend-config=path=x.tfstate", "-lockfile=readonly", f"-plugin-dir={fake.folder}"} <= set(argv)
    assert fake.calls[0]["env"]["TF_DATA_DIR"] == str(fake.folder / "data")


def test_error_is_the_first_one_without_frame_or_external_id(fake: Fake) -> None:
    err = "╷\n│ Error: role refused\n│ \n│   id my-external-id is bad\n╵\n╷\n│ Error: second\n╵\n"

    with pytest.raises(OnboardError) as caught:
        terraform.apply(fake.state(CODE="1", ERR=err), {"external_id": "my-external-id"})

    assert str(caught.value) == "terraform apply failed: Error: role refused id *** is bad"


def test_time_out_is_an_error_and_leaves_no_variables(fake: Fake) -> None:
    with pytest.raises(OnboardError, match="took longer than 1 s"):
        terraform.apply(fake.state(timeout_s=1, TAKES_S="30"), {"external_id": "x"})

    assert not Path(fake.calls[0]["files"][0]).exists()


def test_missing_terraform_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(OnboardError, match=r"not on PATH\. Install Terraform"):
        terraform.plan(State(tmp_path, tmp_path, {}, {"PATH": str(tmp_path)}), {})


def test_outputs_are_plain_values(fake: Fake) -> None:
    out = json.dumps({"role_arn": {"sensitive": False, "type": "string", "value": "arn"}})

    assert terraform.output(fake.state(OUT=out)) == {"role_arn": "arn"}


@pytest.mark.parametrize("given", ["inherited", "own"])
def test_process_environment_drops_what_leads_astray(tmp_path: Path, given: str) -> None:
    inherited = {
        "HOME": "/home/x",
        "TF_WORKSPACE": "prod",
        "TF_CLI_ARGS_apply": "-destroy",
        "TF_LOG": "trace",
        "TF_CLI_CONFIG_FILE": str(tmp_path / "missing"),
    }

    environment = process_environment(inherited, {**(inherited if given == "own" else {}), "TF_DATA_DIR": "d"})

    assert {name for name in environment if name.startswith("TF_")} == {"TF_IN_AUTOMATION", "TF_INPUT", "TF_DATA_DIR"}
    assert environment["HOME"] == "/home/x"


def test_process_environment_keeps_a_config_file_that_exists(tmp_path: Path) -> None:
    (tmp_path / "rc").touch()

    environment = process_environment({"TF_CLI_CONFIG_FILE": str(tmp_path / "rc")}, {})

    assert environment["TF_CLI_CONFIG_FILE"] == str(tmp_path / "rc")


@pytest.mark.parametrize(("own", "expected"), [({}, "off"), ({"GOGC": "100"}, "100")], ids=["ours", "theirs"])
def test_processes_collect_garbage_late_unless_told_otherwise(own: dict[str, str], expected: str) -> None:
    assert process_environment(own, {})["GOGC"] == expected
