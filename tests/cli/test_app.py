"""The command itself: help, version, errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater import __version__

Headwater = Callable[..., Any]
COMMANDS = ("run", "ingest", "parse", "notice", "query", "demo", "alerts", "detections", "onboard", "config")


def test_version_is_printed(headwater: Headwater) -> None:
    assert headwater("--version").out == f"headwater {__version__}\n"


def test_help_lists_every_command(headwater: Headwater) -> None:
    told = headwater("--help").out

    assert [name for name in COMMANDS if name not in told] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(headwater: Headwater, command: str) -> None:
    ran = headwater(command, "--help")

    assert ran.code == 0
    assert "Usage:" in ran.out


def test_wrong_setting_names_its_variable(headwater: Headwater) -> None:
    ran = headwater("alerts", "list", HEADWATER_BATCH_MAX_ROWS="many")

    assert ran.code == 2
    assert "HEADWATER_BATCH_MAX_ROWS" in ran.err


def test_service_without_a_queue_says_which_setting_is_missing(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "accounts.yml").write_text(ACCOUNTS)

    ran = headwater("run", "--once")

    assert ran.code == 2
    assert "HEADWATER_QUEUE_URL" in ran.err


def test_config_check_prints_what_accounts_yml_resolves_to(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "accounts.yml").write_text(ACCOUNTS)

    checked = headwater("config", "check")
    as_json = headwater("config", "check", "-o", "json").json

    assert checked.code == 0
    assert "1 accounts, 1 sources" in checked.out
    assert as_json["accounts"][0]["id"] == "111122223333"


def test_config_check_names_file_line_and_key_of_every_mistake(headwater: Headwater, tmp_path: Path) -> None:
    broken = ACCOUNTS.replace("111122223333", "1111").replace("bucket: payments-logs", "bucket: Payments_Logs")
    (tmp_path / "accounts.yml").write_text(broken)

    ran = headwater("config", "check")

    assert ran.code == 2
    assert "accounts.yml:8:accounts[0].id" in ran.err
    assert "accounts.yml:12:accounts[0].sources[0].bucket" in ran.err


ACCOUNTS = """\
version: 1
central:
  account_id: "999988887777"
  region: us-east-1
  lake_bucket: headwater-lake-999988887777

accounts:
  - id: "111122223333"
    name: payments
    sources:
      - name: cloudtrail
        bucket: payments-logs
        prefix: AWSLogs/
"""
