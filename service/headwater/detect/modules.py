"""Python modules of one detection folder: they import each other by GlobalID, and nobody else sees those names.

Each module gets its own `__builtins__`, whose `__import__` knows the folder's helpers and our compat packages. The
interpreter asks that function for every import statement of the module, at load and later inside functions, on any
thread. The process's own import system stays as it is, so two folders may ship helpers of the same name.
"""

from __future__ import annotations

import builtins
import hashlib
import importlib
import linecache
import pkgutil
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from headwater.detect import caching, compat
from headwater.detect.cache import Cache, MemoryCache

PREFIX = "headwater_pack_"  # of the names that detections' modules have in sys.modules


class Namespace:
    """The modules of one folder. helpers: GlobalID → file. cache: what they remember events in."""

    def __init__(self, root: Path, helpers: Mapping[str, Path], cache: Cache | None = None) -> None:
        self.root = root
        self._helpers = dict(helpers)
        self._given = caching.make_modules(cache or MemoryCache())
        self._loaded: dict[str, ModuleType] = {}
        self._lock = threading.RLock()
        self._compat = frozenset(module.name for module in pkgutil.iter_modules(compat.__path__))
        self._builtins = {**vars(builtins), "__import__": self._import}
        self._prefix = f"{PREFIX}{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"

    def run(self, name: str, file: str, source: bytes) -> ModuleType:
        """A new module that has executed `source`. Raises: whatever its code raises."""
        module = self._new(name, file)
        exec(compile(source, file, "exec", dont_inherit=True), vars(module))  # noqa: S102 — running detections is the purpose
        return module

    def _new(self, name: str, file: str) -> ModuleType:
        module = ModuleType(f"{self._prefix}.{name}")
        vars(module).update(__file__=file, __builtins__=self._builtins)
        sys.modules[module.__name__] = module  # dataclasses look their module up there; the name is ours alone
        return module

    def _import(
        self,
        name: str,
        globals_: Mapping[str, Any] | None = None,
        locals_: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        top = name.partition(".")[0]
        if level == 0 and name in self._helpers:
            return self._helper(name)
        if level == 0 and name in self._given:
            return self._given[name if fromlist else top]
        if level == 0 and top in self._compat:
            leaf = importlib.import_module(f"{compat.__name__}.{name}")
            return leaf if fromlist else sys.modules[f"{compat.__name__}.{top}"]
        return builtins.__import__(name, globals_, locals_, fromlist or (), level)

    def _helper(self, name: str) -> ModuleType:
        with self._lock:
            if name in self._loaded:
                return self._loaded[name]
            path = self._helpers[name]
            code = _compile(path)
            module = self._loaded[name] = self._new(name, str(path))  # before it runs: helpers may import in a circle
            try:
                exec(code, vars(module))  # noqa: S102 — running detections is the purpose
            except BaseException:
                del self._loaded[name]
                raise
            return module


def _compile(path: Path) -> CodeType:
    linecache.checkcache(str(path))  # tracebacks quote the file as it is now
    return compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
