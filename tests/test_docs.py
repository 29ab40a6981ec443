"""The documentation says what the code does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

import headwater
from headwater.accounts import parse_accounts
from headwater.cli.app import app
from headwater.schema.load import load_schema

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / "docs" / "configuration.md"
PAGES = [
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "terraform").rglob("*.md"))
    if ".terraform" not in path.parts
]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(headwater [a-z][^`|…]*)`")  # a call in a sentence; a|b names several
GENERATED = [
    "settings_docs",
    "schema_docs",
    "log_type_docs",
    "rule_docs",
    "cost_tables",
    "architecture_picture",
    "destination_docs",
    "message_pictures",
]


def named(page: Path) -> str:
    """A page's path below the repository, as the id of its tests."""
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """What may follow # in a link to a page: its headings as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", title).lower()).replace(" ", "-") for title in titles}


def commands(page: Path) -> Iterator[list[str]]:
    """The calls of headwater in a page's blocks of shell, and in its sentences, as words."""
    for language, block in FENCE.findall(page.read_text("utf-8")):
        lines = block.replace("\\\n", " ").splitlines() if language in ("sh", "console", "") else []
        calls = [line.strip().removeprefix("$ ").partition(" #")[0] for line in lines]
        yield from (shlex.split(call) for call in calls if re.match(r"headwater [a-z]", call))
    yield from map(shlex.split, INLINE.findall(prose(page)))


def parsed(words: list[str]) -> list[str]:
    """The options of a call that its command does not have, or the word that is no command."""
    command = typer.main.get_command(app)
    rest = words[1:]
    while isinstance(command, TyperGroup):
        if not rest:
            return []  # a group by itself shows its commands
        if rest[0] not in command.commands:
            return [rest[0]]
        command, rest = command.commands[rest[0]], rest[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = [word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)]
    return [option for option in given if option not in known | {"--help", "-h"}]


@pytest.mark.parametrize("script", GENERATED)
def test_generated_page_is_up_to_date(script: str) -> None:
    check = subprocess.run([sys.executable, ROOT / "scripts" / f"{script}.py", "--check"], check=False)

    assert check.returncode == 0, f"run: python scripts/{script}.py"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)", prose(page))
    places = [((page.parent / path).resolve() if path else page, anchor) for path, anchor in links]

    assert [str(place) for place, _ in places if not place.exists()] == []
    assert [f"{place}#{anchor}" for place, anchor in places if anchor and anchor not in anchors(place)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if list(commands(page))], ids=named)
def test_every_command_can_be_called_as_it_is_written(page: Path) -> None:
    assert {" ".join(words): parsed(words) for words in commands(page) if parsed(words)} == {}


def test_commands_are_found_in_the_pages_that_need_them() -> None:
    assert len(list(commands(ROOT / "docs" / "quick-start.md"))) > 5
    assert parsed(["headwater", "onboard", "aply"]) == ["aply"]
    assert parsed(["headwater", "onboard", "apply", "--paralel", "2"]) == ["--paralel"]


@pytest.mark.parametrize("page", [page for page in PAGES if "::test_" in page.read_text("utf-8")], ids=named)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    tests = re.findall(r"`?([\w/.]+\.py)(?:::| \| )(test_\w+)", page.read_text("utf-8"))
    sources = {file: (ROOT / "tests" / file.removeprefix("tests/")) for file, _ in tests}

    assert [file for file, path in sources.items() if not path.exists()] == []
    assert [f"{file}::{name}" for file, name in tests if f"def {name}(" not in sources[file].read_text("utf-8")] == []


@pytest.mark.parametrize("page", [ROOT / "docs" / "architecture.md", ROOT / "docs" / "threat-model.md"], ids=named)
def test_every_file_of_tests_that_a_page_names_exists(page: Path) -> None:
    files = set(re.findall(r"`(tests/[\w/]+\.py)`", page.read_text("utf-8")))

    assert [file for file in files if not (ROOT / file).exists()] == []


def test_every_threat_is_held_by_a_test() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    threats = re.findall(r"^- \*\*(\w)[\w ]+: (.+)\n((?:  - .+\n)*)", text, re.MULTILINE)

    assert {letter for letter, _, _ in threats} == set("STRIDE")
    assert [threat for _, threat, held in threats if "::test_" not in held] == []


def test_every_module_and_template_is_in_the_index() -> None:
    index = (ROOT / "docs" / "modules.md").read_text("utf-8")
    modules = [
        path.parent for path in (ROOT / "terraform/modules").rglob("versions.tf") if ".terraform" not in path.parts
    ]
    templates = list((ROOT / "cfn_templates").glob("*.yml"))

    assert [path for path in modules if f"(../{path.relative_to(ROOT)}/README.md)" not in index] == []
    assert [path.name for path in templates if f"(../cfn_templates/{path.name})" not in index] == []


def test_quick_start_speaks_of_this_release() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    text = (ROOT / "docs" / "quick-start.md").read_text("utf-8")

    assert version == headwater.__version__
    assert set(re.findall(r"(?:@v|ref=v|headwater:|tag = \")(\d+\.\d+\.\d+)", text)) == {version}


def test_inputs_of_the_quick_start_are_inputs_of_the_module() -> None:
    text = (ROOT / "docs" / "quick-start.md").read_text("utf-8")
    block = text.partition('module "platform" {')[2].partition("\n}")[0]
    given = set(re.findall(r"^  (\w+) += ", block, re.MULTILINE)) - {"source"}
    variables = (ROOT / "terraform/modules/platform/variables.tf").read_text("utf-8")

    assert given - set(re.findall(r'^variable "(\w+)"', variables, re.MULTILINE)) == set()
    assert {"cpu_architecture", "repository", "worker_assumed_by_arns"} <= given


def test_accounts_file_of_the_quick_start_is_valid() -> None:
    (example,) = re.findall(
        r"```yaml\n(version: 1\n.*?)```", (ROOT / "docs" / "quick-start.md").read_text("utf-8"), re.DOTALL
    )

    accounts = parse_accounts(example, "quick-start.md")

    assert [source.name for source in accounts.sources] == ["cloudtrail"]


def test_totals_of_the_cost_table_are_the_sums_of_their_columns() -> None:
    table = (ROOT / "docs" / "cost.md").read_text("utf-8").partition("<!-- begin examples -->")[2].partition("**Total")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[0].strip().splitlines()][2:]
    totals = [int(cell.strip(" *").replace(",", "")) for cell in table[2].splitlines()[0].split("|")[1:-1]]

    assert [sum(int(row[column].replace(",", "")) for row in rows if len(row) == 4) for column in (1, 2, 3)] == totals


def test_picture_fits_its_page_and_follows_the_readers_scheme() -> None:
    text = (ROOT / "docs" / "architecture.svg").read_text("utf-8")
    picture = ElementTree.fromstring(text)
    smallest = min(int(size) for size in re.findall(r"font-size: (\d+)px", text))
    width = int(picture.attrib["viewBox"].split()[2])

    assert "prefers-color-scheme: dark" in text
    assert smallest * 900 / width > 12  # px of the smallest letters where the page is 900 px wide


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
