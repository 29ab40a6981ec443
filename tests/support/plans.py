"""How a database would run the statements of the state package: a listener collects them, EXPLAIN tells."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import Connection, Engine, event

import headwater.state
from headwater.state.schema import metadata

STATE = Path(headwater.state.__file__).parent
PLUMBING = {"database.py", "faults.py"}  # they run the statements of others
WHOLE_TABLES = {"deletion.py", "migrate.py"}  # they look at every row, on purpose, once in a long while
# Tables with a row for each rule, source, account or queue, of which there are hundreds.
SMALL = {
    "announced",
    "breakers",
    "chores",
    "destination_health",
    "episodes",
    "evaluations",
    "forgotten",
    "link_tests",
    "queue_health",
    "retries",
    "rule_health",
    "source_counters",
    "source_health",
    "storms",  # a detection has a few at most, and they go when they end
}
PLANNING = 10  # what PostgreSQL adds to the cost of plans that it makes anew each time, and more
BIG = {table.name for table in metadata.sorted_tables} - SMALL


@dataclass(frozen=True)
class Sent:
    """A statement as it was sent, and the module that sent it."""

    sql: str
    parameters: Any
    module: str


@dataclass
class Statements:
    """The distinct SELECTs, UPDATEs and DELETEs of the state package."""

    sent: dict[str, Sent] = field(default_factory=dict)

    @contextmanager
    def collected(self, engine: Engine) -> Iterator[Statements]:
        """Listen to the engine for a while."""
        event.listen(engine, "before_cursor_execute", self._note)
        yield self
        event.remove(engine, "before_cursor_execute", self._note)

    def _note(
        self, _connection: Connection, _cursor: Any, sql: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        shape = re.sub(r"\(%\(\w+\)s(::\w+)?(, %\(\w+\)s(::\w+)?)*\)|\(\?(, \?)*\)", "(…)", sql)
        if shape not in self.sent and re.match(r"\s*(SELECT|UPDATE|DELETE)\b", sql):
            module = sender()
            if module and module not in WHOLE_TABLES:
                self.sent[shape] = Sent(sql, parameters[0] if many else parameters, module)


def sender() -> str | None:
    """The module of the state package that sends the statement now; None: it is the test itself."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.parent == STATE and path.name not in PLUMBING:
            return path.name
        frame = frame.f_back
    return None


def scans(engine: Engine, sent: Sent, *, by_choice: bool = True) -> list[str]:
    """The big tables that a statement reads from end to end, as the database plans it with the rows that it has.

    by_choice: False counts those that it must read so, for want of an index: what little rows there are says nothing.
    """
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        if engine.dialect.name == "sqlite":
            cursor.execute("EXPLAIN QUERY PLAN " + sent.sql, sent.parameters)
            return sorted(_scanned_by_sqlite(sent.sql, [row[-1] for row in cursor.fetchall()], _partial(engine)))
        cursor.execute("SET LOCAL random_page_cost = 1.1")  # as for the SSDs that databases have
        if not by_choice:
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN (FORMAT JSON) " + sent.sql, sent.parameters)
        plan = cursor.fetchone()[0][0]["Plan"]
        found = sorted(_scanned(plan, _partial(engine)))
        return found or (_scanned_by_any(cursor, sent, plan, _partial(engine)) if by_choice else [])


def _scanned_by_any(cursor: Any, sent: Sent, plan: Mapping[str, Any], partial: set[str]) -> list[str]:
    """The tables read by the plan for any parameters, which PostgreSQL takes after some tries, if it seems cheaper."""
    numbers: dict[str, int] = {}
    sql = re.sub(r"%\((\w+)\)s", lambda name: f"${numbers.setdefault(name[1], len(numbers) + 1)}", sent.sql)
    cursor.execute(("EXPLAIN (GENERIC_PLAN, FORMAT JSON) " + sql.replace("%%", "%")).encode())
    generic = cursor.fetchone()[0][0]["Plan"]
    return sorted(_scanned(generic, partial)) if generic["Total Cost"] < 1.1 * plan["Total Cost"] + PLANNING else []


def _partial(engine: Engine) -> set[str]:
    """Indexes of some rows alone: all of those may be read."""
    options = engine.dialect.name + "_where"
    return {
        str(index.name)
        for table in metadata.sorted_tables
        for index in table.indexes
        if index.dialect_kwargs.get(options) is not None
    }


def _scanned_by_sqlite(sql: str, steps: Iterable[str], partial: set[str]) -> Iterator[str]:
    for step in steps:
        found = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        if found and found[1] in BIG and found[2] not in partial and not (found[2] and " LIMIT " in sql):
            yield found[1]


def _scanned(plan: Mapping[str, Any], partial: set[str], *, limited: bool = False) -> Iterator[str]:
    limited = limited or plan["Node Type"] == "Limit"
    is_index_scan = plan["Node Type"] in ("Index Scan", "Index Only Scan", "Bitmap Index Scan")
    is_whole = is_index_scan and not ("Index Cond" in plan or plan["Index Name"] in partial or limited)
    table = plan.get("Relation Name") or _table_of(plan.get("Index Name"))
    if table in BIG and (plan["Node Type"] == "Seq Scan" or is_whole):
        yield str(table)
    for part in plan.get("Plans", ()):
        yield from _scanned(part, partial, limited=limited)


def _table_of(index: str | None) -> str | None:
    return next((t.name for t in metadata.sorted_tables if index in {each.name for each in t.indexes}), None)
