"""Raw records → a schema that takes all of them: look, propose, try, and widen what did not fit."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headwater.errors import InferenceError
from headwater.ingest.columns import Part
from headwater.ingest.delimited import HEADER
from headwater.ingest.framing import REMARK, Framing, Lines
from headwater.ingest.parse import Parsed, parse
from headwater.model import Chunk, ObjectRef, Source
from headwater.schema.infer import Proposed, Rules, infer
from headwater.schema.load import load_schema
from headwater.schema.logtype import DelimitedParser, JsonParser, LogType
from headwater.schema.observe import MAX_COLUMNS, Observations
from headwater.schema.yamltext import schema_yaml

Read = Callable[[], Iterable[Chunk]]
TRIES = 4  # of a proposal before all its fields become text
FEW_ROWS = 100
BLAMED = re.compile(r"([^:\[.]+)[^:]*: (required)?")
EMPTY = "no field of the schema is there"
NO_VALUE = frozenset({"", "-"})
NOW = datetime(2000, 1, 1, tzinfo=UTC)  # any time will do: nothing is kept


@dataclass(frozen=True, slots=True)
class Proposal:
    """A schema file, how many rows it was made from, how many others no schema could take, and remarks."""

    yaml: str
    rows: int
    unmatched: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A schema in the making."""

    name: str
    description: str
    parser: Mapping[str, Any]
    fields: tuple[Proposed, ...]
    comments: tuple[str, ...] = ()

    def yaml(self) -> str:
        return schema_yaml(
            self.name, self.fields, description=self.description, parser=self.parser, comments=self.comments
        )

    def log_type(self) -> LogType:
        """The draft as the service will read it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "schema.yml"
            path.write_text(self.yaml(), encoding="utf-8")
            return load_schema(path)


@dataclass(slots=True)
class _Looked:
    """What a first look at all records found. broken: records that no parser takes."""

    observations: Observations
    lines: Lines
    line_count: int = 0
    broken: int = 0


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of lines, as texts. empty: which texts stood for no value."""

    observations: Observations
    empty: set[str]

    def add(self, row: Mapping[str, str | None]) -> None:
        """Count one line; one that is a single cell has a value whatever it says."""
        nothing = NO_VALUE if len(row) > 1 else frozenset[str]()
        self.empty.update(nothing.intersection(row.values()))
        self.observations.add({name: None if cell in nothing else cell for name, cell in row.items()})


@dataclass(slots=True)
class _Tried:
    """What became of the rows under a draft, but for those without any value.

    blamed: columns that refused values. lacking: required columns that rows left out.
    """

    matched: int = 0
    refused: int = 0
    blamed: Counter[str] = field(default_factory=Counter)
    lacking: Counter[str] = field(default_factory=Counter)


def propose(read: Read, name: str, about: str) -> Proposal:
    """The schema of all records that `read` gives; it is called several times, and memory stays bounded.

    name: of the log type. about: where the records come from, for the description.
    Raises: InferenceError where no record could be a row.
    """
    looked = _look(read)
    if looked.observations.rows >= looked.line_count and looked.observations.rows:
        return _propose_json(read, looked, name, about)
    if looked.line_count:
        return _propose_lines(read, looked, name, about)
    raise InferenceError(f"{about}: holds no rows to learn from")


def _look(read: Read) -> _Looked:
    looked = _Looked(Observations(), Lines())
    for chunk in read():
        if "defect" in chunk.context:
            looked.broken += len(chunk.records)
        elif chunk.shape == "lines":
            looked.line_count += len(chunk.records)
            for line in chunk.records:
                looked.lines.add(bytes(line))
        else:
            _look_at_json(looked, chunk)
    return looked


def _look_at_json(looked: _Looked, chunk: Chunk) -> None:
    for record in chunk.records:
        try:
            value = json.loads(bytes(record))
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            looked.observations.add(value)
        else:
            looked.broken += 1


def _propose_json(read: Read, looked: _Looked, name: str, about: str) -> Proposal:
    if looked.observations.too_wide:
        raise InferenceError(
            f"{about}: the objects have more than {MAX_COLUMNS} different fields, which is no table. "
            "Use the log type Raw.JSON, which keeps objects whole."
        )
    draft, tried = _fit(read, _Draft(name, about, {}, ()), looked.observations, Rules())
    return _proposal(draft, tried, looked.observations.empty_rows, looked.broken + looked.line_count)


def _propose_lines(read: Read, looked: _Looked, name: str, about: str) -> Proposal:
    for framing in looked.lines.framings():
        cells = _cells(read, framing, name)
        if cells is None:
            continue
        draft = _Draft(name, about, _with_empty(framing, cells.empty), ())
        draft, tried = _fit(read, draft, cells.observations, Rules(text=True))
        if not tried.refused:
            return _proposal(draft, tried, cells.observations.empty_rows, looked.broken + looked.observations.rows)
    raise InferenceError(f"{about}: its lines could not be read")  # the last framing takes any line


def _cells(read: Read, framing: Framing, name: str) -> _Cells | None:
    """The cells of all lines; None where the framing does not take every line."""
    fields = tuple(Proposed(f"c{number}", wire, "string", "A cell.") for number, wire in enumerate(framing.columns))
    log_type = _Draft(name, "All cells as text.", framing.parser, fields).log_type()
    cells = _Cells(Observations(), set())
    wires = {each.name: each.wire for each in fields}
    for parsed in _parse(read, log_type):
        if any(not reject.reason.startswith(EMPTY) for reject in parsed.rejects):
            return None
        for _ in parsed.rejects:
            cells.add(dict.fromkeys(framing.columns))
        if parsed.batch is not None:
            table = parsed.batch.table.select(list(wires)).rename_columns(list(wires.values()))
            for batch in table.to_batches(max_chunksize=4096):
                for row in batch.to_pylist():
                    cells.add(row)
    return cells if cells.observations.rows else None


def _with_empty(framing: Framing, empty: set[str]) -> Mapping[str, Any]:
    """The parser's section, with the texts that stand for no value."""
    kind, options = next(iter(framing.parser.items()))
    return {kind: {**options, "emptyValues": sorted(empty)}} if empty else framing.parser


def _fit(read: Read, draft: _Draft, observations: Observations, rules: Rules) -> tuple[_Draft, _Tried]:
    """The draft with the fields of the observations, widened until every row fits."""
    for attempt in range(TRIES + 1):
        draft = replace(draft, fields=infer(observations, rules))
        if not draft.fields or observations.empty_rows == observations.rows:
            raise InferenceError(f"{draft.description}: no row holds a value")
        tried = _try(read, draft.log_type(), observations.empty_rows)
        if not tried.refused:
            break
        rules = _widened(rules, draft.fields, tried, everything=attempt == TRIES - 1)
    return draft, tried


def _widened(rules: Rules, fields: Sequence[Proposed], tried: _Tried, *, everything: bool) -> Rules:
    if everything:
        wires = frozenset(each.wire for each in fields)
        return replace(rules, keep=wires, optional=wires)
    wire = {each.name: each.wire for each in fields}
    return replace(
        rules,
        keep=rules.keep | {wire[name] for name in tried.blamed if name in wire},
        optional=rules.optional | {wire[name] for name in tried.lacking if name in wire},
    )


def _try(read: Read, log_type: LogType, empty_rows: int) -> _Tried:
    """empty_rows: that hold no value at all; whatever the schema, they are refused."""
    tried = _Tried()
    for parsed in _parse(read, log_type):
        tried.matched += sum(parsed.rows)
        for reject in parsed.rejects:
            _blame(tried, reject.reason)
    tried.lacking = Counter({name: count for name, count in tried.lacking.items() if count > empty_rows})
    tried.refused = max(tried.refused - empty_rows, 0)
    return tried


def _blame(tried: _Tried, reason: str) -> None:
    if reason.startswith("not a JSON object"):
        return
    tried.refused += 1
    found = BLAMED.match(reason)
    if found:
        (tried.lacking if found[2] else tried.blamed)[found[1]] += 1


def _parse(read: Read, log_type: LogType) -> Iterator[Parsed]:
    """Every chunk under the log type, one by one; broken records are left out."""
    parser = log_type.parser
    wants_json = isinstance(parser, JsonParser)
    has_names = isinstance(parser, DelimitedParser) and parser.header == "names"
    ref, source = ObjectRef("sample", "sample"), Source("000000000000", "sample", "sample", "sample")
    header = ""
    for chunk in read():
        if "defect" in chunk.context or (chunk.shape != "lines") is not wants_json:
            continue
        if has_names and chunk.first_row:  # a later part of the text
            chunk = replace(chunk, context={**chunk.context, HEADER: header})
        elif has_names:
            header = _first_line(chunk)
        yield parse(log_type, [Part(ref, source, chunk)], NOW)


def _first_line(chunk: Chunk) -> str:
    lines = (bytes(line) for line in chunk.records)
    return next((line for line in lines if not line.startswith(REMARK)), b"").decode(errors="replace")


def _proposal(draft: _Draft, tried: _Tried, empty: int, broken: int) -> Proposal:
    notes = [each.note for each in draft.fields if each.note]
    if tried.matched < FEW_ROWS:
        notes.append(f"only {tried.matched} rows were seen: look again at types and at `required`")
    if empty:
        notes.append(f"{empty} rows hold no value at all, so they fit no schema")
    if broken:
        notes.append(f"{broken} records are broken or of another shape, so they fit no schema")
    if not any(each.event_time for each in draft.fields):
        notes.append("no field looks like the time of the event; p_event_time will be the time of parsing")
    comment = f"Proposed from {tried.matched} rows. Names, types and descriptions are guesses: read them before use."
    draft = replace(draft, comments=(comment,))
    return Proposal(draft.yaml(), tried.matched, empty + tried.refused + broken, tuple(notes))
