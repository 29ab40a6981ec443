"""The documentation says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from headwater.accounts import parse_accounts

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / "docs" / "configuration.md"


def test_tables_of_settings_are_up_to_date() -> None:
    check = subprocess.run([sys.executable, ROOT / "scripts" / "settings_docs.py", "--check"], check=False)

    assert check.returncode == 0, "run: python scripts/settings_docs.py"


def test_every_setting_stands_in_the_documentation() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")

    assert re.findall(r"^\| `HEADWATER_\w+` \|", text, re.MULTILINE)
    assert "| `kms_key_arn` | none | Key that encrypts the objects. |" in text


def test_example_accounts_file_is_valid() -> None:
    examples = re.findall(r"```yaml\n(version: 1\n.*?)```", CONFIGURATION.read_text(encoding="utf-8"), re.DOTALL)

    accounts = [parse_accounts(example, "configuration.md") for example in examples]

    assert [len(each.sources) for each in accounts] == [3]
