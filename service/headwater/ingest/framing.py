"""Text lines → how they are cut into columns, found by what all lines have in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from csv import Error as CsvError
from csv import reader
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

DELIMITERS = ("\t", "|", ",", ";", " ")
MIN_COLUMNS = 3  # of delimited lines without a header; one comma a line is no table
MAX_COLUMNS = 500
MAX_KEYS = 200
REMARK, MAX_REMARKS = b"#", 20
UNNAMED = "column_{}"
REMARK_LIKE = re.compile(rb"#(?:\s|[A-Za-z-]+:|#)")
NAME_LIKE = re.compile(r"[A-Za-z_@#][\w .:()/@#%-]{0,63}", re.ASCII)
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^\s"\[]\S*')
PAIR = re.compile(rb'([A-Za-z_][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
QUOTED = r'(?:[^"\\]|\\.)*'


@dataclass(frozen=True, slots=True)
class Framing:
    """One way to read lines. parser: its section of a schema. columns: wire names, in their order."""

    parser: Mapping[str, Any]
    columns: tuple[str, ...]
    header: bool = False


class Lines:
    """Takes lines one by one, and keeps what is true of all of them; their order does not count but for the first.

    Lines like `# …` and `#Fields: …`, and a first line behind #, are remarks, one of which may name the columns.
    """

    def __init__(self) -> None:
        self._remarks: set[bytes] = set()
        self._count = 0
        self._hashed_rows = False  # rows that begin with # as well
        self._delimited = {each: _Delimited(each) for each in DELIMITERS}
        self._tokens: _Tokens | None = _Tokens()
        self._pairs: _Pairs | None = _Pairs()

    def add(self, line: bytes) -> None:
        """Count one line."""
        self._count += 1
        if REMARK_LIKE.match(line) or (self._count == 1 and line.startswith(REMARK)):
            if len(self._remarks) < MAX_REMARKS:
                self._remarks.add(line)
            return
        self._hashed_rows |= line.startswith(REMARK)
        self._delimited = {key: each for key, each in self._delimited.items() if each.add(line)}
        if self._tokens is not None and not self._tokens.add(line):
            self._tokens = None
        if self._pairs is not None and not self._pairs.add(line):
            self._pairs = None

    def framings(self) -> Iterator[Framing]:
        """The ways that fit all lines, the likeliest first; the last one takes any line whole."""
        for each in self._ways() if not (self._remarks and self._hashed_rows) else ():
            kind, options = next(iter(each.parser.items()))
            skip = {"skipPrefix": REMARK.decode()} if self._remarks else {}
            yield Framing({kind: {**options, **skip}}, each.columns, each.header)
        yield Framing({"regex": {"pattern": r"^(?P<message>(?s:.*))$"}}, ("message",))

    def _ways(self) -> Iterator[Framing]:
        if self._pairs is not None:
            yield from self._pairs.framing()
        for each in self._delimited.values():
            yield from each.framing(self._names)
        if self._tokens is not None:
            yield from self._tokens.framing(self._names)

    def _names(self, count: int, delimiter: str | None = None) -> tuple[str, ...]:
        """Names for so many columns: those of a remark (W3C's #Fields: or a header behind #), or column_1, …"""
        for remark in sorted(self._remarks):
            text = remark.decode(errors="replace")
            fields = text.removeprefix("#Fields:")
            found = fields.split() if fields != text else [each.strip() for each in text[1:].split(delimiter)]
            if len(found) == count and _are_names(found):
                return tuple(found)
        return tuple(UNNAMED.format(number) for number in range(1, count + 1))


Names = Callable[..., tuple[str, ...]]


@dataclass(slots=True)
class _Delimited:
    """Lines of as many cells each. others: for each column, whether no cell below the first line could be a name."""

    delimiter: str
    first: list[str] | None = None
    others: list[bool] = field(default_factory=list)
    lines: int = 0

    def add(self, line: bytes) -> bool:
        """Whether this way of cutting still fits."""
        if self.delimiter.encode() not in line:
            return False
        try:
            cells = next(reader([line.decode(errors="replace")], delimiter=self.delimiter), [])
        except CsvError:
            return False
        self.lines += 1
        if self.first is None:
            self.first, self.others = cells, [True] * len(cells)
            return 2 <= len(cells) <= MAX_COLUMNS
        self.others = [still and not _is_word(cell) for still, cell in zip(self.others, cells, strict=False)]
        return len(cells) == len(self.first)

    def framing(self, names_for: Names) -> Iterator[Framing]:
        first = self.first or []
        names = tuple(each.strip() for each in first)
        header = self.lines > 1 and _are_names(names)
        if self.delimiter == " ":  # words of a sentence would do for names
            header = header and any(self.others)
            if not header:
                return
        columns = names if header else names_for(len(first), self.delimiter)
        if not header and len(first) < MIN_COLUMNS and columns[0] == UNNAMED.format(1):
            return
        yield Framing(_csv(self.delimiter, columns, header=header), columns, header)


def _csv(delimiter: str, columns: Sequence[str], *, header: bool) -> dict[str, Any]:
    names: dict[str, Any] = {} if header else {"columns": list(columns)}
    return {"csv": {"delimiter": delimiter, "hasHeader": header, **names}}


def _are_names(texts: Sequence[str]) -> bool:
    """Whether texts can be the names of columns: words, each once; letter case does not count."""
    return all(map(_is_word, texts)) and len({text.lower() for text in texts}) == len(texts)


def _is_word(cell: str) -> bool:
    return bool(NAME_LIKE.fullmatch(cell))


@dataclass(slots=True)
class _Tokens:
    """Lines of as many words each, some in quotes or brackets. styles: of each column the first bytes it had."""

    styles: list[set[str]] = field(default_factory=list)

    def add(self, line: bytes) -> bool:
        tokens = TOKEN.findall(line)
        if TOKEN.sub(b"", line).strip() or not MIN_COLUMNS <= len(tokens) <= MAX_COLUMNS:
            return False
        self.styles = self.styles or [set() for _ in tokens]
        if len(tokens) != len(self.styles):
            return False
        for styles, token in zip(self.styles, tokens, strict=True):
            styles.add(
                {b'"': "quoted", b"[": "bracketed", b"-": "nil" if token == b"-" else "bare"}.get(token[:1], "bare")
            )
        return True

    def framing(self, names_for: Names) -> Iterator[Framing]:
        if not self.styles:
            return
        names = tuple(_group_names(names_for(len(self.styles))).values())
        parts = [_token(name, frozenset(styles)) for name, styles in zip(names, self.styles, strict=True)]
        yield Framing({"regex": {"pattern": r"^\s*" + r"\s+".join(parts) + r"\s*$"}}, names)


def _token(name: str, styles: frozenset[str]) -> str:
    if styles == {"quoted"}:
        return f'"(?P<{name}>{QUOTED})"'
    if styles == {"quoted", "nil"}:
        return f'(?:"(?P<{name}>{QUOTED})"|-)'
    if styles == {"bracketed"}:
        return rf"\[(?P<{name}>[^\]]*)\]"
    if styles <= {"bare", "nil"}:
        return rf"(?P<{name}>\S+)"
    return rf'(?P<{name}>"{QUOTED}"|\[[^\]]*\]|\S+)'


@dataclass(slots=True)
class _Pairs:
    """Lines of key=value pairs. lines: that have each key. follows: which keys came right behind which."""

    count: int = 0
    lines: Counter[str] = field(default_factory=Counter)
    quoted: Counter[str] = field(default_factory=Counter)
    follows: dict[str, set[str]] = field(default_factory=dict)

    def add(self, line: bytes) -> bool:
        pairs = PAIR.findall(line)
        keys = [key.decode() for key, _ in pairs]
        if not keys or PAIR.sub(b"", line).strip() or len(set(keys)) < len(keys):
            return False
        self.count += 1
        self.lines.update(keys)
        self.quoted.update(key for key, (_, value) in zip(keys, pairs, strict=True) if value[:1] == b'"')
        for key in keys:
            self.follows.setdefault(key, set())
        for before, behind in pairwise(keys):
            self.follows[before].add(behind)
        return len(self.lines) <= MAX_KEYS

    def framing(self) -> Iterator[Framing]:
        order = _in_order(self.follows)
        if order is None or len(order) < 2:
            return
        groups = _group_names(order)
        parts = [self._pair(key, groups[key]) for key in order]
        yield Framing({"regex": {"pattern": r"^\s*" + "".join(parts) + "$"}}, tuple(groups[key] for key in order))

    def _pair(self, key: str, group: str) -> str:
        quoted = self.quoted[key]
        bare = r'[^\s"]*'
        if quoted == self.lines[key]:
            value = f'"(?P<{group}>{QUOTED})"'
        else:
            value = f'(?P<{group}>"{QUOTED}"|{bare})' if quoted else f"(?P<{group}>{bare})"
        pair = rf"{re.escape(key)}={value}(?:\s+|$)"
        return pair if self.lines[key] == self.count else f"(?:{pair})?"


def _in_order(follows: Mapping[str, set[str]]) -> list[str] | None:
    """The keys so that each stands behind those it ever followed; None where lines contradict each other."""
    waiting = Counter(behind for keys in follows.values() for behind in keys)
    order: list[str] = []
    ready = sorted(key for key in follows if not waiting[key])
    while ready:
        key = ready.pop(0)
        order.append(key)
        for behind in follows[key]:
            waiting[behind] -= 1
        ready = sorted({*ready, *(behind for behind in follows[key] if not waiting[behind])})
    return order if len(order) == len(follows) else None


def _group_names(keys: Sequence[str]) -> dict[str, str]:
    """Names that a regular expression accepts, distinct whatever the letter case."""
    names: dict[str, str] = {}
    for key in keys:
        name = base = re.sub(r"\W", "_", key)
        number = 1
        while name.lower() in {each.lower() for each in names.values()}:
            number += 1
            name = f"{base}_{number}"
        names[key] = name
    return names
