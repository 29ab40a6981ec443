"""Which rows a rule could have something to say about, derived from its source.

`derive` gives a necessary condition for everything that can be seen of a rule: a result that is not False, an
exception, a side effect. Whatever it does not understand counts as seen: that costs time, never a match.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType

from headwater.detect.conditions import Condition
from headwater.detect.datamodel import DataModel
from headwater.detect.load import Pack
from headwater.detect.prefilter import statements
from headwater.detect.prefilter.reader import FunctionFrame, Reading, Reassigned, Stop, TooComplexError, is_generator
from headwater.detect.prefilter.sources import Source, Sources
from headwater.detect.prefilter.values import ANYTHING, Const, Env, Event

__all__ = ["Derived", "Source", "Sources", "Stop", "derive", "sources_of"]


@dataclass(frozen=True, slots=True)
class Derived:
    """What could be read of a rule. condition: holds wherever it can be seen. stops: where the reading ended."""

    condition: Condition
    stops: tuple[Stop, ...] = ()


def sources_of(pack: Pack) -> tuple[Sources, ...]:
    """The Python of each folder of a pack, as it is on disk."""
    folders = sorted({spec.folder for spec in pack.specs})
    return tuple(_sources_of(pack, folder) for folder in range(folders[-1] + 1 if folders else 0))


def _sources_of(pack: Pack, folder: int) -> Sources:
    specs = [spec for spec in pack.specs if spec.folder == folder and spec.python]
    files = {str(spec.python): Source(str(spec.python), _read(spec.python)) for spec in specs if spec.python}
    for detection in pack.detections:
        if detection.folder == folder and detection.source is not None and detection.subject.module is not None:
            file = str(getattr(detection.subject.module, "__file__", None))
            files[file] = Source(file, detection.source)
    return Sources(files, {spec.id: str(spec.python) for spec in specs if spec.kind == "global"})


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it was there when the pack was loaded; without it nothing is known of its functions


def derive(module: ModuleType, sources: Sources, model: DataModel | None = None) -> Derived:
    """A condition that holds for every row on which the module's rule() does anything but return False."""
    rule = getattr(module, "rule", None)
    file = str(getattr(module, "__file__", None))
    definition = sources.definition(rule) if isinstance(rule, FunctionType) else None
    if not isinstance(rule, FunctionType) or definition is None or rule.__code__.co_filename != file:
        return Derived(True, (Stop(file, 1, "has no plain function rule(event) in its own file"),))
    if not _is_plain(definition) or rule.__closure__ or rule.__defaults__:
        return Derived(True, (Stop(file, definition.lineno, "is no plain function of one argument"),))
    return _read_rule(rule, definition, sources, model)


def _read_rule(rule: FunctionType, node: ast.FunctionDef, sources: Sources, model: DataModel | None) -> Derived:
    file = rule.__code__.co_filename
    source = sources.files[file]
    assumed = frozenset(name for name, where in source.rebound.items() if where == {"rule"})
    while True:
        reading = Reading(sources, model, assumed)
        try:
            return Derived(_seen(FunctionFrame(reading, rule, node), node), tuple(reading.stops))
        except Reassigned as error:
            assumed -= {error.name}
        except (TooComplexError, RecursionError):
            return Derived(True, (Stop(file, node.lineno, "has too many ways through it"),))


def _seen(frame: FunctionFrame, node: ast.FunctionDef) -> Condition:
    env: Env = {node.args.args[0].arg: Event()}
    body, fresh = _without_resets(node.body)
    env.update(dict.fromkeys(fresh, ANYTHING))
    exits = statements.Exits(lambda _: statements.returned(frame, Const(None)))
    return statements.block(frame, body, env, exits).seen


def _without_resets(body: Sequence[ast.stmt]) -> tuple[Sequence[ast.stmt], set[str]]:
    """The statements behind those that only set globals to constants, and the names of these.

    Every call of the rule begins with them, and what a rule left in its globals is only read after a call of it: a call
    that is left out makes no difference.
    """
    declared: set[str] = set()
    reset: set[str] = set()
    for position, statement in enumerate(body):
        match statement:
            case ast.Global(names):
                declared |= set(names)
            case ast.Expr(ast.Constant()):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in declared and _is_literal(value):
                reset.add(name)
            case _:
                return body[position:], reset
    return (), reset


def _is_literal(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.List(elts) | ast.Set(elts) | ast.Tuple(elts):
            return all(map(_is_literal, elts))
        case ast.Dict(keys, values):
            return all(key is not None and _is_literal(key) for key in keys) and all(map(_is_literal, values))
        case ast.Call(ast.Name("set" | "dict" | "list"), [], []):
            return True
        case _:
            return False


def _is_plain(definition: ast.FunctionDef) -> bool:
    arguments = definition.args
    others = (arguments.posonlyargs, arguments.kwonlyargs, arguments.vararg, arguments.kwarg, arguments.defaults)
    return len(arguments.args) == 1 and not any(others) and not is_generator(definition)
