"""Broken detections cost no event: what the whole command makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Headwater

YAML = "AnalysisType: rule\nRuleID: {id}\nEnabled: true\nSeverity: Low\nLogTypes: [Raw.JSON]\nFilename: {id}.py\n"
FIRES = "def rule(event):\n    return event.get('n') == 1\n"
EXITS = "import os\ndef rule(event):\n    os._exit(0)\n"
PRINTS = "print('noise')\ndef rule(event):\n    print('noise')\n    raise ValueError(os.environ)\nimport os\n"


def write(folder: Path, rules: dict[str, str]) -> str:
    """A folder of rules, as the setting of detections."""
    folder.mkdir()
    for rule_id, python in rules.items():
        (folder / f"{rule_id}.yml").write_text(YAML.format(id=rule_id))
        (folder / f"{rule_id}.py").write_text(python)
    return json.dumps([str(folder)])


@pytest.mark.parametrize("sandbox", ["process", "none"])
def test_detections_of_a_folder_run_as_the_setting_says(headwater: Headwater, tmp_path: Path, sandbox: str) -> None:
    detections = write(tmp_path / "rules", {"Fires": FIRES})
    (tmp_path / "app.json").write_text('{"n": 1}\n{"n": 2}\n')

    done = headwater(
        "ingest",
        "app.json",
        "--log-type",
        "Raw.JSON",
        "-o",
        "json",
        HEADWATER_DETECTIONS=detections,
        HEADWATER_SANDBOX=sandbox,
    ).json

    assert (done["rows_out"], done["matches"]) == (2, 1)


def test_a_crash_costs_no_row_and_suspends_its_rule(headwater: Headwater, tmp_path: Path) -> None:
    detections = write(tmp_path / "rules", {"Fires": FIRES, "Exits": EXITS})
    for number in range(3):
        (tmp_path / f"{number}.json").write_text('{"n": 1}\n{"n": 2}\n')

    done = [
        headwater("ingest", f"{number}.json", "--log-type", "Raw.JSON", "-o", "json", HEADWATER_DETECTIONS=detections)
        for number in range(3)
    ]
    status = headwater("detections", "status", "-o", "json").json

    assert [(each.json["rows_out"], each.json["matches"]) for each in done] == [(2, 1)] * 3
    assert [(each["rule_id"], each["state"], each["errors"]) for each in status] == [("Exits", "suspended", 2)]


def test_detections_neither_write_into_the_output_nor_read_the_environment(
    headwater: Headwater, tmp_path: Path
) -> None:
    detections = write(tmp_path / "rules", {"Prints": PRINTS})
    (tmp_path / "app.json").write_text('{"n": 1}\n')

    done = headwater(
        "ingest",
        "app.json",
        "--log-type",
        "Raw.JSON",
        "-o",
        "json",
        HEADWATER_DETECTIONS=detections,
        AWS_SECRET_ACCESS_KEY="very-secret",
    )
    status = headwater("detections", "status", "-o", "json")

    assert done.json["rows_out"] == 1
    assert "noise" not in done.out + done.err
    assert "environ" in status.out
    assert "very-secret" not in status.out
