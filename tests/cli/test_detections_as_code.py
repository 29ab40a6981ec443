"""What docs/detections-as-code.md, the CI workflow and the pre-commit hooks say is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from cli.conftest import Headwater
from headwater.detect.lint import CHECKS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/detections-as-code.md").read_text("utf-8")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
WORKFLOW = yaml.safe_load((ROOT / "docs/examples/detections-ci.yml").read_text("utf-8"))
STEPS = [step["run"] for step in WORKFLOW["jobs"]["test"]["steps"] if "run" in step]
COMMANDS = [
    *re.findall(r"^\$ (headwater .*?)(?: +#.*)?$", PAGE, re.MULTILINE),
    *(hook["entry"] for hook in HOOKS),
    *(step for step in STEPS if step.startswith("headwater ")),
]
RULE = "AnalysisType: rule\nRuleID: R\nEnabled: true\nSeverity: Low\nLogTypes: [AWS.ALB]\nFilename: r.py\nTests:\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_there(headwater: Headwater, command: str) -> None:
    words = shlex.split(command)[1:]
    explained = headwater(*words[:2], "--help")

    assert explained.code == 0
    assert [word for word in words if word.startswith("--") and word not in explained.out] == []


def test_every_check_is_described() -> None:
    assert [check for check in CHECKS if f"`{check}`" not in PAGE] == []


def test_hooks_of_the_page_exist() -> None:
    config = yaml.safe_load(
        next(text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "repos:" in text)
    )

    assert [hook["id"] for hook in config["repos"][0]["hooks"]] == [hook["id"] for hook in HOOKS]


def test_commands_of_the_workflow_pass_on_a_good_repository(headwater: Headwater, tmp_path: Path) -> None:
    tests = "".join(
        f"  - {{Name: n{k}, ExpectedResult: {str(k == 1).lower()}, Log: {{elbStatusCode: {k}}}}}\n" for k in (1, 2)
    )
    (tmp_path / "r.yml").write_text(RULE + tests)
    (tmp_path / "r.py").write_text("def rule(event):\n    return event.get('elbStatusCode') == 1\n")

    codes = {step: headwater(*shlex.split(step)[1:]).code for step in STEPS if step.startswith("headwater ")}

    assert set(codes.values()) == {0}, codes
