"""Draw docs/message-slack.svg and docs/message-email.svg from the very blocks and the very HTML that are sent.

python scripts/message_pictures.py           writes the pictures
python scripts/message_pictures.py --check   exits with 1 where one is out of date

The pictures follow the reader's light or dark scheme.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from pages import publish

from headwater.destinations.kinds import email, slack
from headwater.destinations.message import message_of
from headwater.destinations.sample import sample_alert

DOCS = Path(__file__).parents[1] / "docs"
WIDTH, LEFT, TOP, ROOM = 760, 34, 24, 690
EM = {"text": 0.53, "bold": 0.58, "soft": 0.53, "label": 0.53, "link": 0.53, "title": 0.6, "code": 0.602}
PX = {"text": 15, "bold": 15, "soft": 13, "label": 15, "link": 15, "title": 18, "code": 13}
LABEL_PX = 110
STYLE = """
  svg { --back: #ffffff; --ink: #1d1c1d; --soft: #5c6570; --line: #c9d1d9; --area: #f5f7f9; --link: #0b5cad; }
  @media (prefers-color-scheme: dark) {
    svg { --back: #15191e; --ink: #e6e9ec; --soft: #a3adb8; --line: #3a434d; --area: #1e242b; --link: #79b8ff; }
  }
  text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 15px; }
  text, tspan { fill: var(--ink); white-space: pre; }
  .bold, .title { font-weight: 600; }
  .title { font-size: 18px; }
  .soft { font-size: 13px; }
  .soft, .label { fill: var(--soft); }
  .link { fill: var(--link); }
  .code { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 13px; }
  .back { fill: var(--back); stroke: var(--line); }
  .area { fill: var(--area); stroke: var(--line); }
"""


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one look."""

    text: str
    look: str = "text"


@dataclass(frozen=True, slots=True)
class Part:
    """Lines below each other; boxed: code."""

    lines: tuple[tuple[Span, ...], ...]
    boxed: bool = False
    gap_px: int = 10


def main() -> int:
    message = message_of(
        sample_alert("4f1c9a7be2d04c5f8a6b3d2e1f009988", datetime(2026, 3, 1, 10, 0, 5, tzinfo=UTC)),
        "sample",
        account_name="payments",
        link="https://headwater.example.com/alerts/4f1c9a7be2d0",
    )
    pictures = {
        "slack": ("An alert in Slack", _of_blocks(slack.rendered(message)["blocks"])),
        "email": ("An alert as e-mail", _of_html(email.page(message))),
    }
    drawn = {
        DOCS / f"message-{name}.svg": _drawn(title, list(parts), name == "email")
        for name, (title, parts) in pictures.items()
    }
    return publish(drawn)


def _of_blocks(blocks: Iterable[dict[str, Any]]) -> Iterator[Part]:
    for block in blocks:
        if block["type"] == "header":
            yield Part(((Span(block["text"]["text"], "title"),),))
        elif block["type"] == "context":
            yield Part(tuple((Span(element["text"], "soft"),) for element in block["elements"]))
        else:
            yield from (_of_rich_text(part) for part in block["elements"])


def _of_rich_text(part: dict[str, Any]) -> Part:
    boxed = part["type"] == "rich_text_preformatted"
    lines: list[list[Span]] = [[]]
    for element in part["elements"]:
        bold = "bold" if element.get("style", {}).get("bold") else "text"
        look = "code" if boxed else "link" if element["type"] == "link" else bold
        first, *rest = element["text"].split("\n")
        lines[-1].append(Span(first, look))
        lines += [[Span(line, look)] for line in rest]
    filled = (tuple(span for span in line if span.text) for line in lines)
    kept = tuple(line for line in filled if line)
    return Part(kept, boxed, gap_px=4 if boxed else 10)


class _Page(HTMLParser):
    """The parts of an HTML page of headings, a table, paragraphs and code."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Part] = []
        self._open: list[str] = []
        self._spans: list[Span] = []
        self._last = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in ("h1", "h2", "tr", "p", "pre"):
            self._spans = []
        if tag != "meta":
            self._open.append(tag)

    def handle_data(self, data: str) -> None:
        if not {"h1", "h2", "td", "p", "pre"} & set(self._open):
            return
        looks = {"h1": "title", "h2": "bold", "a": "link", "pre": "code"}
        cells = "label" if self._open[-1] == "td" and not self._spans else "text"
        self._spans.append(Span(data, looks.get(self._open[-1], cells)))

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()
        if tag in ("h1", "h2", "tr", "p", "pre"):
            self.parts.append(self._part(tag))

    def _part(self, tag: str) -> Part:
        lines: list[list[Span]] = [[]]
        for span in self._spans:
            first, *rest = span.text.split("\n")
            lines[-1].append(Span(first, span.look))
            lines += [[Span(line, span.look)] for line in rest]
        before = self.parts[-1].boxed or self._last == "h1" if self.parts else False
        gap = 12 if before else 2 if tag == "tr" else 4 if tag in ("p", "pre") else 12
        self._last = tag
        return Part(tuple(map(tuple, lines)), tag == "pre", gap)


def _of_html(page: str) -> Iterator[Part]:
    parser = _Page()
    parser.feed(page)
    yield from parser.parts


def _drawn(title: str, parts: Sequence[Part], edged: bool) -> str:
    shapes: list[str] = []
    y = TOP
    for part in parts:
        y += part.gap_px
        lines = [piece for line in part.lines for piece in _wrapped(line)]
        if part.boxed:
            height = 19 * len(lines) + 16
            shapes.append(f'<rect class="area" x="{LEFT}" y="{y}" width="{ROOM}" height="{height}" rx="6"/>')
            y += 8
        for line in lines:
            step = 24 if line[0][1].look == "title" else 19
            y += step
            left = LEFT + (10 if part.boxed else 0)
            shapes.append(_line(line, left, y - 5))
        y += 8 if part.boxed else 0
    height = y + TOP
    back = f'<rect class="back" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>'
    edge = f'<rect x="18" y="{TOP}" width="5" height="{height - 2 * TOP}" rx="2" fill="{email.COLORS["HIGH"]}"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    return "\n".join(
        [head, f"<title>{title}</title>", f"<style>{STYLE}</style>", back, *[edge] * edged, *shapes, "</svg>\n"]
    )


def _line(line: Sequence[tuple[float, Span]], left: int, y: int) -> str:
    """Spans run on by themselves, however wide the reader's font is; only what follows a label has its place."""
    shown = []
    dot = ""
    for at, (x, span) in enumerate(line):
        text = span.text
        if text.startswith(slack.MARKS["HIGH"]):  # few fonts of servers have it
            dot = f'<circle cx="{left + 7}" cy="{y - 6}" r="7" fill="#f0803c"/>'
            text, x = text.removeprefix(slack.MARKS["HIGH"]), 16
        place = f' x="{left + x:g}"' if at == 0 or line[at - 1][1].look == "label" else ""
        shown.append(f'<tspan class="{span.look}"{place}>{escape(text)}</tspan>')
    return f'{dot}<text y="{y}" xml:space="preserve">{"".join(shown)}</text>'


def _wrapped(line: Sequence[Span]) -> Iterator[list[tuple[float, Span]]]:
    """Lines of spans with where each begins; a label has a column of its own."""
    placed: list[tuple[float, Span]] = []
    x = 0.0
    for span in line:
        width = EM[span.look] * PX[span.look]
        for word in _words(span.text):
            if x + len(word) * width > ROOM - 20 and placed:
                yield placed
                placed, x = [], LABEL_PX if line[0].look == "label" else 0.0
            if placed and placed[-1][1].look == span.look and span.look != "label":
                at, before = placed.pop()
                placed.append((at, Span(before.text + word, span.look)))
            else:
                placed.append((x, Span(word, span.look)))
            x += len(word) * width
        x = LABEL_PX if span.look == "label" else x
    if placed:
        yield placed


def _words(text: str) -> list[str]:
    return [f"{word} " for word in text.split(" ")[:-1]] + [text.split(" ")[-1]]


if __name__ == "__main__":
    sys.exit(main())
