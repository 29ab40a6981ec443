"""Draw docs/architecture.svg from the lists below; no drawing program, no dependency.

python scripts/architecture_picture.py           writes the picture
python scripts/architecture_picture.py --check   exits with 1 where it is out of date

The picture follows the reader's light or dark scheme. A text that would leave its box is an error.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pages import publish

PICTURE = Path(__file__).parents[1] / "docs" / "architecture.svg"
WIDTH, HEIGHT = 1080, 560
TITLE_PX, TEXT_PX, LINE_PX = 16, 15, 20
PLAIN, BOLD = 0.54, 0.62  # mean width of a character of a wide sans-serif font, in parts of its size
STYLE = """
  svg { --back: #ffffff; --ink: #1b2733; --soft: #51606f; --line: #8493a3; --area: #f2f5f8; --inner: #e4ebf2;
        --box: #ffffff; --core: #0b6e75; --core-ink: #ffffff; --flow: #0b6e75; }
  @media (prefers-color-scheme: dark) {
    svg { --back: #0f151b; --ink: #e8eef4; --soft: #a9b7c4; --line: #62717f; --area: #18212a; --inner: #202c37;
          --box: #2a3845; --core: #13808a; --core-ink: #ffffff; --flow: #4cc3cd; }
  }
  text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 15px; }
  text { fill: var(--soft); }
  .title { font-size: 16px; font-weight: 600; fill: var(--ink); }
  .back { fill: var(--back); }
  .area, .band { fill: var(--area); stroke: var(--line); }
  .inner { fill: var(--inner); stroke: var(--line); stroke-dasharray: 5 4; }
  .box { fill: var(--box); stroke: var(--line); }
  .core { fill: var(--core); stroke: var(--core); }
  .core-text, .core-text.title { fill: var(--core-ink); }
  .flow { stroke: var(--flow); stroke-width: 2; fill: none; marker-end: url(#head); }
  #head path { fill: var(--flow); }
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with a title and lines below it; kind: area, inner, band, box or core."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line through points with a head at its end, and where its label's middle stands."""

    points: tuple[tuple[int, int], ...]
    label: str = ""
    at: tuple[int, int] = (0, 0)


BOXES = (
    Box("area", 16, 16, 230, 352, "Customer accounts"),
    Box("box", 31, 64, 200, 58, "Log bucket", ("objects under SSE-KMS",)),
    Box("box", 31, 140, 200, 58, "Topic or rule", ("SNS or EventBridge",)),
    Box("box", 31, 216, 200, 58, "KMS key", ("decrypts for S3 only",)),
    Box("box", 31, 292, 200, 58, "Reader role", ("read-only, ExternalId",)),
    Box("area", 306, 16, 584, 428, "Central account"),
    Box("box", 322, 140, 140, 58, "Intake queue", ("SQS",)),
    Box("box", 322, 216, 140, 58, "Dead letters", ("with the reason",)),
    Box("inner", 500, 40, 220, 394, "Private subnets"),
    Box(
        "core",
        514,
        76,
        192,
        264,
        "Worker",
        ("claim, open, decode,", "classify, parse,", "normalise, enrich,", "detect, commit, alert"),
    ),
    Box("box", 528, 224, 164, 58, "Detections", ("no credentials",)),
    Box("box", 514, 364, 192, 58, "PostgreSQL", ("ledger and alerts",)),
    Box("box", 752, 76, 124, 58, "Lake", ("Iceberg on S3",)),
    Box("box", 752, 156, 124, 58, "Alerts", ("SNS topic",)),
    Box("box", 752, 236, 124, 58, "Alarms", ("CloudWatch",)),
    Box("box", 930, 56, 134, 98, "Analysts", ("Athena, Spark,", "Trino, DuckDB")),
    Box("box", 930, 170, 134, 110, "On call", ("chat, pager,", "tickets")),
    Box("band", 16, 468, 874, 80, "Platform team"),
    Box("box", 31, 479, 200, 58, "One state each", ("Terraform or stacks",)),
    Box("box", 286, 479, 196, 58, "headwater onboard", ("plan, apply, verify",)),
    Box("box", 537, 479, 190, 58, "accounts.yml", ("accounts and sources",)),
)
ARROWS = (
    Arrow(((231, 93), (514, 93)), "GetObject, over TLS", (388, 83)),
    Arrow(((131, 122), (131, 140))),
    Arrow(((231, 169), (322, 169)), "events", (276, 159)),
    Arrow(((462, 169), (514, 169))),
    Arrow(((514, 245), (462, 245))),
    Arrow(((514, 321), (231, 321)), "AssumeRole", (388, 311)),
    Arrow(((610, 340), (610, 364))),
    Arrow(((706, 105), (752, 105))),
    Arrow(((706, 185), (752, 185))),
    Arrow(((706, 265), (752, 265))),
    Arrow(((876, 105), (930, 105)), "SQL", (910, 95)),
    Arrow(((876, 185), (930, 185))),
    Arrow(((876, 265), (930, 265))),
    Arrow(((537, 508), (482, 508))),
    Arrow(((286, 508), (231, 508))),
    Arrow(((131, 479), (131, 368))),
    Arrow(((632, 479), (632, 444))),
)


def main() -> int:
    """Write the picture, or compare it."""
    return publish({PICTURE: picture()})


def picture() -> str:
    """The whole file."""
    parts = [*map(_box, BOXES), *map(_arrow, ARROWS)]
    head = '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            "<title>How logs go from customer accounts through Headwater to the lake and to alerts</title>",
            f"<style>{STYLE}</style>",
            f'<defs>{head}<path d="M0 0 8 4 0 8z"/></marker></defs>',
            f'<rect class="back" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _box(box: Box) -> str:
    """A rectangle with its texts."""
    x, y, anchor = _place(box)
    color = " core-text" if box.kind == "core" else ""
    texts = [_text(box.title, x, y, anchor, f"title{color}", box.width, BOLD * TITLE_PX)]
    texts += [
        _text(line, x, y + LINE_PX * number, anchor, color.strip(), box.width, PLAIN * TEXT_PX)
        for number, line in enumerate(box.lines, start=1)
    ]
    shape = f'<rect class="{box.kind}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6"/>'
    return "\n".join([shape, *texts])


def _place(box: Box) -> tuple[int, int, str]:
    """Where a box's title begins: upper left in an area, at the right of a band, else in the middle."""
    height = TITLE_PX + LINE_PX * len(box.lines)
    middle = box.y + (box.height - height) // 2 + TITLE_PX - 2
    if box.kind in ("area", "inner"):
        return box.x + 14, box.y + 26, "start"
    if box.kind == "band":
        return box.x + box.width - 14, middle, "end"
    return box.x + box.width // 2, box.y + 30 if box.kind == "core" else middle, "middle"


def _text(text: str, x: int, y: int, anchor: str, style: str, room: int, em: float) -> str:
    """A line of text. Raises: ValueError where it is wider than its box."""
    if len(text) * em > room - 8:
        raise ValueError(f"{text!r} does not fit into {room} px")
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _arrow(arrow: Arrow) -> str:
    points = " ".join(f"{x},{y}" for x, y in arrow.points)
    label = f'\n<text x="{arrow.at[0]}" y="{arrow.at[1]}" text-anchor="middle">{escape(arrow.label)}</text>'
    return f'<polyline class="flow" points="{points}"/>' + (label if arrow.label else "")


if __name__ == "__main__":
    sys.exit(main())
