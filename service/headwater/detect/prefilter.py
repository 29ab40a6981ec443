"""Which rows a rule could have something to say about, derived from its source.

`derive` gives a necessary condition for everything that can be seen of a rule: a result that is not False, an
exception, a side effect. Whatever it does not understand counts as seen: that costs time, never a match. It understands
comparisons of `event.get("key")`, `event["key"]` and `event.deep_get(...)` with constants, early returns, and/or/not,
all/any/bool, conditional expressions and local names for any of these.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import FunctionType, ModuleType
from typing import Any

from headwater.detect.conditions import Condition, Container, Contains, OneOf, Scalar, all_of, any_of

SCALARS = (str, int, float, bool, type(None))
STEPS_MAX = 400  # both ways of every `if` are followed; real rules need fewer than 50
# Names by which code can change a constant unseen.
ESCAPES = frozenset(("globals", "locals", "vars", "exec", "eval", "setattr", "delattr", "sys", "importlib", "builtins"))
FALSY: frozenset[Scalar] = frozenset(("", 0))


@dataclass(frozen=True, slots=True)
class Read:
    """`event.get(key, default)`; raises: `event[key]` instead; inside: `event.deep_get(key, ..., default=default)`."""

    key: str
    default: Scalar = None
    raises: bool = False
    inside: bool = False

    @property
    def absent(self) -> Condition:
        """The rows where reading raises."""
        return OneOf(self.key, frozenset(), missing=True) if self.raises else False

    def one_of(self, values: frozenset[Scalar], *, negated: bool = False) -> Condition:
        """The rows whose value is one of these (with negated: none)."""
        if self.inside:
            return self._inside(values, negated)
        missing = not self.raises and (self.default in values) is not negated
        return OneOf(self.key, values - {None}, negated, missing)

    def _inside(self, values: frozenset[Scalar], negated: bool) -> Condition:
        texts = frozenset(value for value in values if isinstance(value, str))
        if negated or self.default in values or None in values or texts != values:
            return True
        return Contains(self.key, texts)


@dataclass(frozen=True, slots=True)
class Truth:
    """Rows where an expression may be true, may be false, may be seen (raise). boolean: its value is a real bool."""

    true: Condition
    false: Condition
    seen: Condition = False
    boolean: bool = True


UNKNOWN = Truth(True, True, True, boolean=False)


class _TooComplex(Exception):
    pass


def derive(source: bytes, module: ModuleType) -> Condition:
    """A condition that holds for every row on which the module's rule() does anything but return False."""
    try:
        tree = ast.parse(source)
        function = _rule(tree, module)
        if function is None or any(isinstance(node, ast.Name) and node.id in ESCAPES for node in ast.walk(tree)):
            return True
        return _Derivation(function, _Constants(tree, function, module)).seen(function.body, {})
    except (_TooComplex, RecursionError):
        return True


def _rule(tree: ast.Module, module: ModuleType) -> ast.FunctionDef | None:
    """The definition behind the module's rule(), if it is a plain function of one argument."""
    live = getattr(module, "rule", None)
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "rule"]
    if not isinstance(live, FunctionType) or len(found) != 1 or found[0].decorator_list:
        return None
    arguments = found[0].args
    plain = len(arguments.args) == 1 and not (
        arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg or arguments.defaults
    )
    generator = any(isinstance(node, ast.Yield | ast.YieldFrom | ast.Await) for node in ast.walk(found[0]))
    same = (live.__code__.co_name, live.__code__.co_firstlineno) == ("rule", found[0].lineno)
    same = same and live.__code__.co_filename == vars(module).get("__file__")
    return found[0] if plain and same and not generator else None


class _Constants:
    """Names whose values cannot change after load."""

    def __init__(self, tree: ast.Module, function: ast.FunctionDef, module: ModuleType) -> None:
        self.names = vars(module)
        self.local = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and not _loads(node)}
        self.local |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        imports = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
        self.local |= {(alias.asname or alias.name).partition(".")[0] for node in imports for alias in node.names}
        self.rebound = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
        self.frozen = _frozen_containers(tree)

    def scalar(self, node: ast.expr) -> tuple[bool, Scalar]:
        """Whether an expression is a constant scalar, and which."""
        value: Any = node.value if isinstance(node, ast.Constant) else self._named(node)
        return (True, value) if _is_scalar(value) else (False, None)

    def container(self, node: ast.expr) -> frozenset[Scalar] | None:
        """The members of a constant list, tuple, set or dict of scalars."""
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            found = [self.scalar(item) for item in node.elts]
            return frozenset(value for _, value in found) if all(known for known, _ in found) else None
        value = self._named(node)
        fixed = isinstance(value, tuple | frozenset)
        mutable = isinstance(value, list | set | dict) and isinstance(node, ast.Name) and node.id in self.frozen
        if not (fixed or mutable) or not all(map(_is_scalar, value)):
            return None
        return frozenset(value)

    def is_sequence(self, node: ast.expr) -> bool:
        """Whether a constant container compares its members instead of hashing what it is asked for."""
        return isinstance(node, ast.List | ast.Tuple) or isinstance(self._named(node), list | tuple)

    def builtin(self, node: ast.expr, name: str) -> bool:
        """Whether an expression is the builtin of that name."""
        return isinstance(node, ast.Name) and node.id == name and name not in self.names and name not in self.local

    def _named(self, node: ast.expr) -> Any:
        if not isinstance(node, ast.Name) or node.id in self.local or node.id in self.rebound:
            return ...
        return self.names.get(node.id, ...)


def _is_scalar(value: object) -> bool:
    return type(value) in SCALARS and value == value  # NaN is not itself


def _loads(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _frozen_containers(tree: ast.Module) -> frozenset[str]:
    """Module-level names of literal containers that the module only compares with, so that nothing changes them."""
    literals = {
        node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.List | ast.Set | ast.Dict)
    }
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    compared = {id(side) for node in ast.walk(tree) if isinstance(node, ast.Compare) for side in node.comparators}
    stores = [node.id for node in names if not _loads(node)]
    leaked = {node.id for node in names if _loads(node) and id(node) not in compared}
    return frozenset(name for name in literals - leaked if stores.count(name) == 1)


class _Derivation:
    def __init__(self, function: ast.FunctionDef, constants: _Constants) -> None:
        self.event = function.args.args[0].arg
        self.constants = constants
        self.steps = 0

    def seen(self, statements: Sequence[ast.stmt], names: Mapping[str, Read | Truth]) -> Condition:
        """Rows on which running these statements can be seen from outside."""
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise _TooComplex
        if not statements:
            return True  # rule() returns None, which is an error
        first, rest = statements[0], statements[1:]
        if isinstance(first, ast.Pass) or (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
            return self.seen(rest, names)
        if isinstance(first, ast.Return):
            return True if first.value is None else self.returned(first.value, names)
        if isinstance(first, ast.If):
            test = self.truth(first.test, names)
            then = all_of(test.true, self.seen([*first.body, *rest], names))
            return any_of(test.seen, then, all_of(test.false, self.seen([*first.orelse, *rest], names)))
        if isinstance(first, ast.Assign) and len(first.targets) == 1 and isinstance(first.targets[0], ast.Name):
            return self.assigned(first.targets[0].id, first.value, rest, names)
        return True

    def assigned(
        self, name: str, value: ast.expr, rest: Sequence[ast.stmt], names: Mapping[str, Read | Truth]
    ) -> Condition:
        """Rows on which `name = value` and what follows can be seen."""
        if name == self.event or name in self.constants.rebound:
            return True
        read = self.read(value, names)
        if read is not None:
            held = replace(read, raises=False)
            return any_of(read.absent, self.seen(rest, {**names, name: held}))
        truth = self.truth(value, names)
        if truth.seen is True:
            return True
        held_truth = Truth(truth.true, truth.false, False, truth.boolean)
        return any_of(truth.seen, self.seen(rest, {**names, name: held_truth}))

    def returned(self, node: ast.expr, names: Mapping[str, Read | Truth]) -> Condition:
        """Rows on which `return node` gives anything but False, or raises."""
        if isinstance(node, ast.BoolOp) and len(node.values) > 1:
            first = self.truth(node.values[0], names)
            rest = node.values[1] if len(node.values) == 2 else ast.BoolOp(node.op, node.values[1:])
            later = self.returned(rest, names)
            if isinstance(node.op, ast.Or):
                return any_of(first.seen, first.true, all_of(first.false, later))
            return any_of(first.seen, False if first.boolean else first.false, all_of(first.true, later))
        if isinstance(node, ast.IfExp):
            test = self.truth(node.test, names)
            then = all_of(test.true, self.returned(node.body, names))
            return any_of(test.seen, then, all_of(test.false, self.returned(node.orelse, names)))
        truth = self.truth(node, names)
        return any_of(truth.true, truth.seen) if truth.boolean else True

    def truth(self, node: ast.expr, names: Mapping[str, Read | Truth]) -> Truth:
        """What an expression may come to."""
        if isinstance(node, ast.Constant):
            return Truth(bool(node.value), not node.value, boolean=isinstance(node.value, bool))
        if isinstance(node, ast.Name) and isinstance(held := names.get(node.id), Truth):
            return held
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand, names)
            return Truth(inner.false, inner.true, inner.seen)
        if isinstance(node, ast.BoolOp):
            return self._bool_op(isinstance(node.op, ast.And), [self.truth(part, names) for part in node.values])
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._compare(node.left, node.ops[0], node.comparators[0], names)
        if isinstance(node, ast.Call) and (truth := self._builtin(node, names)) is not None:
            return truth
        read = self.read(node, names)
        if read is None:
            return UNKNOWN
        return Truth(read.one_of(FALSY | {None}, negated=True), read.one_of(FALSY | {None}), read.absent, boolean=False)

    def _bool_op(self, conjunction: bool, parts: Sequence[Truth]) -> Truth:
        result = parts[-1]
        for part in reversed(parts[:-1]):
            go_on = part.true if conjunction else part.false
            true, false = all_of(go_on, result.true), all_of(go_on, result.false)
            true, false = (true, any_of(part.false, false)) if conjunction else (any_of(part.true, true), false)
            result = Truth(true, false, any_of(part.seen, all_of(go_on, result.seen)), part.boolean and result.boolean)
        return result

    def _builtin(self, call: ast.Call, names: Mapping[str, Read | Truth]) -> Truth | None:
        if len(call.args) != 1 or call.keywords:
            return None
        function, argument = call.func, call.args[0]
        if self.constants.builtin(function, "bool"):
            inner = self.truth(argument, names)
            return Truth(inner.true, inner.false, inner.seen)
        every = self.constants.builtin(function, "all")
        if not (every or self.constants.builtin(function, "any")) or not isinstance(argument, ast.List | ast.Tuple):
            return None
        parts = [self.truth(part, names) for part in argument.elts]
        true, false = (all_of, any_of) if every else (any_of, all_of)
        seen = any_of(*(part.seen for part in parts))  # the list is built before all() looks at it
        return Truth(true(*(part.true for part in parts)), false(*(part.false for part in parts)), seen)

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr, names: Mapping[str, Read | Truth]) -> Truth:
        read = self.read(left, names)
        values: frozenset[Scalar] | None = None
        hashed = False
        if isinstance(op, ast.In | ast.NotIn):
            values = self.constants.container(right)
            hashed = not self.constants.is_sequence(right)  # and containers inside an event cannot be hashed
        else:
            if read is None and isinstance(op, ast.Eq | ast.NotEq):
                read, right = self.read(right, names), left
            known, value = self.constants.scalar(right)
            if known and (isinstance(op, ast.Eq | ast.NotEq) or value is None):
                values = frozenset((value,))
        if (
            read is None
            or values is None
            or not isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn | ast.Is | ast.IsNot)
        ):
            return UNKNOWN
        seen = any_of(read.absent, (read.inside or Container(read.key)) if hashed else False)
        truth = Truth(read.one_of(values), read.one_of(values, negated=True), seen)
        if isinstance(op, ast.NotEq | ast.NotIn | ast.IsNot):
            return Truth(truth.false, truth.true, truth.seen)
        return truth

    def read(self, node: ast.expr, names: Mapping[str, Read | Truth]) -> Read | None:
        """The key of the event that an expression reads, if it does nothing else."""
        if isinstance(node, ast.Name):
            held = names.get(node.id)
            return held if isinstance(held, Read) else None
        if isinstance(node, ast.Subscript) and self._is_event(node.value):
            known, key = self.constants.scalar(node.slice)
            return Read(key, None, raises=True) if known and isinstance(key, str) else None
        if (
            not isinstance(node, ast.Call)
            or not isinstance(node.func, ast.Attribute)
            or not self._is_event(node.func.value)
        ):
            return None
        arguments = [self.constants.scalar(argument) for argument in node.args]
        return _get(node, node.func.attr, arguments, [self.constants.scalar(one.value) for one in node.keywords])

    def _is_event(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self.event


def _get(
    node: ast.Call, method: str, arguments: Sequence[tuple[bool, Scalar]], keywords: Sequence[tuple[bool, Scalar]]
) -> Read | None:
    if not arguments or not all(known for known, _ in (*arguments, *keywords)) or not isinstance(arguments[0][1], str):
        return None
    key = arguments[0][1]
    if method == "get" and len(arguments) <= 2 and not keywords:
        return Read(key, arguments[1][1] if len(arguments) == 2 else None)
    if method == "deep_get" and len(keywords) <= 1 and all(isinstance(step, str) for _, step in arguments):
        if keywords and node.keywords[0].arg != "default":
            return None
        return Read(key, keywords[0][1] if keywords else None, inside=len(arguments) > 1)
    return None
