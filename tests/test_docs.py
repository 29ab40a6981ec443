"""The documentation says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from headwater.accounts import parse_accounts
from headwater.schema.load import load_schema

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / "docs" / "configuration.md"


def test_tables_of_settings_are_up_to_date() -> None:
    check = subprocess.run([sys.executable, ROOT / "scripts" / "settings_docs.py", "--check"], check=False)

    assert check.returncode == 0, "run: python scripts/settings_docs.py"


def test_tables_of_the_schema_language_are_up_to_date() -> None:
    check = subprocess.run([sys.executable, ROOT / "scripts" / "schema_docs.py", "--check"], check=False)

    assert check.returncode == 0, "run: python scripts/schema_docs.py"


def test_pages_of_log_types_are_up_to_date() -> None:
    check = subprocess.run([sys.executable, ROOT / "scripts" / "log_type_docs.py", "--check"], check=False)

    assert check.returncode == 0, "run: python scripts/log_type_docs.py"


def test_page_of_built_in_detections_is_up_to_date() -> None:
    check = subprocess.run([sys.executable, ROOT / "scripts" / "rule_docs.py", "--check"], check=False)

    assert check.returncode == 0, "run: python scripts/rule_docs.py"


def test_examples_of_the_schema_language_load(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "schemas.md").read_text(encoding="utf-8")
    examples = [each for each in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "schema: " in each]
    (tmp_path / "schema.yml").write_text(examples[0], encoding="utf-8")

    assert [load_schema(tmp_path / "schema.yml").name for _ in examples] == ["Custom.App"]


def test_every_setting_stands_in_the_documentation() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")

    assert re.findall(r"^\| `HEADWATER_\w+` \|", text, re.MULTILINE)
    assert "| `kms_key_arn` | none | Key that encrypts the objects. |" in text


def test_example_accounts_file_is_valid() -> None:
    examples = re.findall(r"```yaml\n(version: 1\n.*?)```", CONFIGURATION.read_text(encoding="utf-8"), re.DOTALL)

    accounts = [parse_accounts(example, "configuration.md") for example in examples]

    assert [len(each.sources) for each in accounts] == [3]
