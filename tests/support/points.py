"""Every place where a worker speaks to something outside of it, each with a name, so that a test can break it there.

A name is `STEP` for the moment before a step of the protocol, or `STEP/KIND.N` for the N-th of a kind since it began:

commit, committed    a transaction of the state database or of the SQLite catalog: before it, and before its answer
create, created      a file of the lake: before it is there, and while it is still empty; with its sort, as create-data
swap, swapped        a new version of a table takes the place of the old: before it, and before the answer
request, answered    a call of AWS: before it, and before its answer; those of the download threads belong to `fetch`
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import botocore.httpsession
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFile
from sqlalchemy.engine.default import DefaultDialect

Reach = Callable[[str, Any], None]
BACKGROUND = ("heartbeat", "lookups", "evaluator")  # threads that do nothing to a batch


class Points:
    """Names the points that a process passes. reach: told each of them, and the object that is about to act."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._step = "start"
        self._counted: Counter[str] = Counter()
        self._lock = threading.Lock()

    def step(self, name: str) -> None:
        """A step of the protocol begins; its second time is STEP*2."""
        with self._lock:
            self._counted[name] += 1
            times = self._counted[name]
            self._step = name if times == 1 else f"{name}*{times}"
        self._reach(self._step, None)

    def pass_(self, kind: str, actor: Any) -> None:
        """Something of a kind happens."""
        thread = threading.current_thread().name
        if thread.startswith(BACKGROUND):
            return
        with self._lock:
            label = f"{'fetch' if thread.startswith('fetch') else self._step}/{kind}"
            self._counted[label] += 1
            label = f"{label}.{self._counted[label]}"
        self._reach(label, actor)

    def install(self) -> None:
        """Put the points around commits, files and calls of AWS; for a process that ends soon."""
        self._around(DefaultDialect, "do_commit", "commit", "committed")
        self._around(PyArrowFile, "create", "create", "created")
        self._around(SqlCatalog, "commit_table", "swap", "swapped")
        self._around(GlueCatalog, "commit_table", "swap", "swapped")
        self._around(botocore.httpsession.URLLib3Session, "send", "request", "answered")

    def _around(self, owner: type, name: str, before: str, after: str) -> None:
        stock: Callable[..., Any] = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            sort = f"-{sort_of(args[0].location)}" if owner is PyArrowFile else ""
            self.pass_(before + sort, args[0])
            result = stock(*args, **kwargs)
            self.pass_(after + sort, args[0])
            return result

        setattr(owner, name, wrapped)


def sort_of(location: str) -> str:
    """What a file of a table is: data, manifest, list (of manifests) or metadata."""
    name = location.rpartition("/")[2]
    if name.endswith(".parquet"):
        return "data"
    if name.endswith(".json"):
        return "metadata"
    return "list" if name.startswith("snap-") else "manifest"
