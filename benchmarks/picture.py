"""The bars of a benchmark as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

WIDTH, LABEL, ROW, GAP, TOP = 880, 250, 24, 34, 52
STYLE = """
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.head { font-weight: 600; font-size: 14px }
.note { fill: #57606a; font-size: 12px }
.plain { fill: #afb8c1 } .ours { fill: #2f81f7 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #8b949e } .plain { fill: #6e7681 } }
</style>
"""


def bars(found: Mapping[str, Mapping[str, float]], repeats: int) -> str:
    """A group of bars a corpus: the time of each step. found: seconds by corpus and step."""
    parts: list[str] = []
    y = TOP
    for name, steps in found.items():
        parts.append(f'<text class="head" x="12" y="{y}">{escape(name)}</text>')
        longest = max(steps.values())
        for step, seconds in steps.items():
            y += ROW
            parts.append(_bar(y, step, seconds, seconds / longest))
        y += GAP
    note = f"Milliseconds of one core, medians of {repeats} runs over the same bytes; each corpus has its own scale."
    head = f'<text class="note" x="12" y="24">{note}</text>'
    body = "\n".join([head, *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" '
        f'aria-label="Time of each step by log type">{STYLE}{body}\n</svg>\n'
    )


def _bar(y: int, step: str, seconds: float, share: float) -> str:
    length = max(2.0, share * (WIDTH - LABEL - 90))
    kind = "ours" if step.startswith("headwater") else "plain"
    return (
        f'<text x="24" y="{y}">{escape(step)}</text>'
        f'<rect class="{kind}" x="{LABEL}" y="{y - 12}" width="{length:.0f}" height="15" rx="3"/>'
        f'<text x="{LABEL + length + 8:.0f}" y="{y}">{seconds * 1000:,.0f}</text>'
    )
