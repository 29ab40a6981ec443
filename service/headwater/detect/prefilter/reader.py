"""Reading a function: every way through its statements, and what each gives."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from headwater.detect.datamodel import DataModel
from headwater.detect.prefilter import expressions, statements
from headwater.detect.prefilter.sources import Sources
from headwater.detect.prefilter.values import (
    ANYTHING,
    Arguments,
    Const,
    Env,
    Event,
    Item,
    Items,
    Result,
    Table,
    Value,
    choice,
    is_lazy,
    is_scalar,
)

STEPS_MAX = 2000  # statements, over all ways; real rules need fewer than 500
DEPTH_MAX = 4  # functions that call each other


class TooComplexError(Exception):
    """There are too many ways through a rule."""


class Reassigned(Exception):
    """A name that was taken to be fixed is bound again on some way through the rule."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the reading ended: every row that gets there is seen. reason: continues "line 14 "."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class Reading:
    """What the frames of one rule share. assumed: names that only rule() itself could rebind."""

    sources: Sources
    model: DataModel | None
    assumed: frozenset[str] = frozenset()
    stops: dict[Stop, None] = field(default_factory=dict)
    inlined: dict[FunctionType, Result] = field(default_factory=dict)
    steps: int = 0

    def step(self) -> None:
        """Counts a statement. Raises: TooComplexError."""
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise TooComplexError


class FunctionFrame:
    """One function that is read. rule: it is the rule itself, whose value is its end."""

    def __init__(self, reading: Reading, function: FunctionType, node: ast.FunctionDef, depth: int = 0) -> None:
        self.reading = reading
        self.depth = depth
        self.file = function.__code__.co_filename
        self._globals: Mapping[str, Any] = function.__globals__
        self._local = {*function.__code__.co_varnames, *function.__code__.co_cellvars}
        self._stored = {
            each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        }
        self._tolerated: dict[int, tuple[type, ...]] = {}

    @property
    def model(self) -> DataModel | None:
        """What event.udm goes by."""
        return self.reading.model

    @property
    def is_rule(self) -> bool:
        """Whether this is the rule itself."""
        return self.depth == 0

    def evaluate(self, node: ast.expr, env: Env) -> Result:
        """What an expression comes to."""
        return expressions.evaluate(self, node, env)

    def step(self) -> None:
        """Counts a statement. Raises: TooComplexError."""
        self.reading.step()

    def is_local(self, name: str) -> bool:
        """Whether a name belongs to the function."""
        return name in self._local

    def rebinds(self, name: str) -> None:
        """Notes that a global name is bound again. Raises: Reassigned where it was taken to be fixed."""
        if name in self.reading.assumed:
            raise Reassigned(name)

    def stop(self, node: ast.AST, why: str) -> Result:
        """Nothing is known from here on: every row that gets here is seen."""
        self.reading.stops[Stop(self.file, getattr(node, "lineno", 0), why)] = None
        return Result(ANYTHING, True)

    def tolerate(self, nodes: Sequence[ast.stmt], errors: tuple[type, ...]) -> None:
        """Exceptions of these classes are caught around some statements."""
        for node in nodes:
            self._tolerated.update((id(inner), errors) for inner in ast.walk(node))

    def tolerates(self, node: ast.AST, error: type[Exception]) -> bool:
        """Whether an exception at this place is caught, and what follows then is known."""
        return issubclass(error, self._tolerated.get(id(node), ()))

    def fixed(self, name: str) -> bool:
        """Whether a local name has one value all the time."""
        return name not in self._stored

    def name(self, name: str) -> Value | None:
        """The value of a name that is not local, if it cannot change."""
        if name in self._local:
            return None
        if name not in self._globals:
            found = vars(builtins).get(name, ...)
            return Const(found) if isinstance(found, type | BuiltinFunctionType) else None
        return self._settled(
            self.file, name, self._globals[name], self.reading.assumed if self.is_rule else frozenset()
        )

    def attribute(self, module: ModuleType, name: str) -> Value | None:
        """The value of a module's attribute, if it cannot change."""
        file = getattr(module, "__file__", None)
        value = vars(module).get(name, ...)
        if file in self.reading.sources.files:
            return self._settled(str(file), name, value, frozenset())
        return Const(value) if isinstance(value, type | FunctionType | BuiltinFunctionType | ModuleType) else None

    def inline(self, function: FunctionType, arguments: Arguments, node: ast.AST) -> Result:
        """What calling a function of the detections comes to."""
        simple = len(arguments.plain) == 1 and isinstance(arguments.plain[0], Event) and not arguments.named
        if simple and arguments.plain[0] == Event() and function in self.reading.inlined:
            return self.reading.inlined[function]
        definition = self.reading.sources.definition(function)
        if definition is None or function.__closure__:
            return self.stop(node, f"calls {function.__name__}(), which is no plain function of the detections")
        if self.depth >= DEPTH_MAX:
            return self.stop(node, f"calls {function.__name__}(), too deep to follow")
        frame = FunctionFrame(self.reading, function, definition, self.depth + 1)
        env = bound(function, definition, arguments)
        if env is None:
            return self.stop(node, f"calls {function.__name__}() in a way that is not understood")
        result = frame.value(definition, env)
        if simple and arguments.plain[0] == Event():
            self.reading.inlined[function] = result
        return result

    def value(self, definition: ast.FunctionDef, env: Env) -> Result:
        """What the function returns."""
        if is_generator(definition):
            return self.stop(definition, "is a generator")
        paths = statements.block(
            self, definition.body, env, statements.Exits(lambda _: statements.returned(self, Const(None)))
        )
        return Result(choice(*paths.returns), paths.seen)

    def _settled(self, file: str, name: str, value: Any, assumed: frozenset[str]) -> Value | None:
        sources = self.reading.sources
        if isinstance(value, list | set | dict):
            return _frozen(value) if sources.is_frozen(file, name, assumed) else None
        kinds = (type, FunctionType, BuiltinFunctionType, ModuleType, re.Pattern)
        if is_scalar(value) or _is_immutable(value) or isinstance(value, kinds):
            return Const(value) if sources.is_fixed(file, name, assumed) else None
        return None


def _is_immutable(value: Any) -> bool:
    return is_scalar(value) or (type(value) in (tuple, frozenset) and all(map(_is_immutable, value)))


def _frozen(value: Any) -> Value | None:
    """A container that nobody changes; what lies deeper in it may change all the same."""
    if type(value) not in (list, set, dict) or not all(map(_is_immutable, value)):
        return None
    if isinstance(value, dict) and not all(map(_is_immutable, value.values())):
        if not all(map(is_scalar, value)):
            return None
        return Table({key: Const(item) if _is_immutable(item) else ANYTHING for key, item in value.items()})
    return Const(value)


def bound(function: FunctionType, definition: ast.FunctionDef, given: Arguments) -> Env | None:
    """The parameters of a function by name; None where they do not fit."""
    parameters = definition.args
    if parameters.kwarg or any(map(is_lazy, (*given.plain, *given.named.values()))):
        return None
    names = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
    env: Env = dict(zip(names, given.plain, strict=False))
    if parameters.vararg:
        env[parameters.vararg.arg] = Items(tuple(map(Item, given.plain[len(names) :])))
    elif len(given.plain) > len(names):
        return None
    allowed = {*(each.arg for each in parameters.args), *(each.arg for each in parameters.kwonlyargs)}
    if not set(given.named) <= allowed - set(env):
        return None
    env.update(given.named)
    defaults = dict(zip(reversed(names), reversed(function.__defaults__ or ()), strict=False))
    defaults.update(function.__kwdefaults__ or {})
    for name in (*names, *(each.arg for each in parameters.kwonlyargs)):
        if name not in env:
            if name not in defaults:
                return None
            env[name] = Const(defaults[name]) if _is_immutable(defaults[name]) else ANYTHING
    return env


def is_generator(definition: ast.FunctionDef) -> bool:
    """Whether calling it runs nothing yet."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom | ast.Await) for node in ast.walk(definition))
