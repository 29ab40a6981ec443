"""Write the tables of inputs and outputs into each module's README.md, from variables.tf and outputs.tf.

python scripts/terraform_docs.py           rewrites the tables
python scripts/terraform_docs.py --check   exits with 1 where they are out of date
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pages import filled, publish

MODULES = Path(__file__).parents[1] / "terraform" / "modules"
HEADER = re.compile(r'^(variable|output) "(\w+)" \{$', re.MULTILINE)
ARGUMENT = re.compile(r"^  (\w+) += ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One variable or output; arguments are HCL text. Nested blocks (validation) are left out."""

    name: str
    arguments: dict[str, str]

    @property
    def description(self) -> str:
        """The description on one line, without its quotes or heredoc marks."""
        text = self.arguments["description"]
        text = re.sub(r"^<<-EOT\n|\n *EOT$", "", text) if text.startswith("<<") else text[1:-1].replace('\\"', '"')
        return " ".join(text.split()).replace("|", "\\|")

    @property
    def type(self) -> str:
        """The type on one line; the fields of an object are in variables.tf."""
        return re.sub(r"object\(\{.*\}\)", "object", self.arguments["type"], flags=re.DOTALL)

    @property
    def default(self) -> str:
        """The default as code, or the word required."""
        return f"`{self.arguments['default']}`" if "default" in self.arguments else "required"


def main() -> int:
    """Rewrite every README.md, or compare it."""
    readmes = [path for path in sorted(MODULES.rglob("README.md")) if ".terraform" not in path.parts]
    return publish({path: rendered(path.read_text(encoding="utf-8"), path.parent) for path in readmes})


def rendered(text: str, module: Path) -> str:
    """The README's text with both tables made anew."""
    inputs = [
        f"| `{b.name}` | `{b.type}` | {b.default} | {b.description} |" for b in read_blocks(module / "variables.tf")
    ]
    outputs = [f"| `{b.name}` | {b.description} |" for b in read_blocks(module / "outputs.tf")]
    tables = {
        "inputs": ["| Name | Type | Default | Meaning |", "|---|---|---|---|", *inputs],
        "outputs": ["| Name | Meaning |", "|---|---|", *outputs],
    }
    return filled(text, {name: "\n".join(lines) for name, lines in tables.items()})


def read_blocks(path: Path) -> list[Block]:
    """The variables or outputs of a file that `terraform fmt` has formatted."""
    return list(_blocks(path.read_text(encoding="utf-8")))


def _blocks(text: str) -> Iterator[Block]:
    for header in HEADER.finditer(text):
        body = text[header.end() : text.index("\n}", header.end())]
        starts = list(ARGUMENT.finditer(body))
        ends = [following.start() for following in starts[1:]] + [len(body)]
        yield Block(header[2], {s[1]: _value(body[s.end() : end]) for s, end in zip(starts, ends, strict=True)})


def _value(text: str) -> str:
    """An argument's text without the nested blocks that follow it."""
    return re.split(r"\n\n?  \w+ \{", text)[0].strip()


if __name__ == "__main__":
    sys.exit(main())
