"""What expressions of a rule come to."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

from headwater.detect.conditions import Condition, all_of, any_of
from headwater.detect.prefilter import calls, compare
from headwater.detect.prefilter.values import (
    ANYTHING,
    ELEMENTS_MAX,
    TEXT,
    AnyText,
    Code,
    Const,
    Env,
    Event,
    Frame,
    Item,
    Items,
    Read,
    Result,
    Split,
    Table,
    Truth,
    Value,
    choice,
    forks,
    is_lazy,
    is_scalar,
    is_tame,
    members,
    options,
    truth,
)


def evaluate(frame: Frame, node: ast.expr, env: Env) -> Result:
    """What an expression comes to. env: the local names; a walrus adds to it."""
    reader = READERS.get(type(node))
    return reader(frame, node, env) if reader else frame.stop(node, "is an expression that is not understood")


def _constant(frame: Frame, node: ast.Constant, env: Env) -> Result:
    return Result(Const(node.value) if is_scalar(node.value) else ANYTHING)


def _name(frame: Frame, node: ast.Name, env: Env) -> Result:
    if node.id in env:
        return Result(env[node.id])
    value = frame.name(node.id)
    return frame.stop(node, f"reads {node.id}, which may change") if value is None else Result(value)


def _walrus(frame: Frame, node: ast.NamedExpr, env: Env) -> Result:
    result = frame.evaluate(node.value, env)
    if is_lazy(result.value):
        return frame.stop(node, "keeps a generator")
    env[node.target.id] = result.value
    return result


def _attribute(frame: Frame, node: ast.Attribute, env: Env) -> Result:
    base = frame.evaluate(node.value, env)
    if isinstance(base.value, Const) and isinstance(base.value.value, ModuleType):
        value = frame.attribute(base.value.value, node.attr)
        if value is not None:
            return Result(value, base.seen)
    return frame.stop(node, f"reads the attribute {node.attr}, which may be anything")


def _forked(frame: Frame, node: ast.BoolOp | ast.IfExp, tests: Sequence[ast.expr], env: Env) -> Result | None:
    """The same for each value of a name that is tested, if it has several."""
    ways = [] if _binds(node) else forks(tests, env)
    if not ways:
        return None
    results = [(condition, frame.evaluate(node, inner)) for condition, inner in ways]
    seen = any_of(*(all_of(condition, result.seen) for condition, result in results))
    return Result(choice(*((condition, result.value) for condition, result in results)), seen)


def _bool_op(frame: Frame, node: ast.BoolOp, env: Env) -> Result:
    forked = _forked(frame, node, node.values[:-1], env)
    if forked is not None:
        return forked
    conjunction = isinstance(node.op, ast.And)
    reached: Condition = True
    seen: list[Condition] = []
    found: list[tuple[Condition, Value]] = []
    inner = env
    for number, part in enumerate(node.values):
        inner = dict(env) if number == 1 else inner
        result = frame.evaluate(part, inner)
        seen.append(all_of(reached, result.seen))
        held = truth(result.value)
        leaves, goes_on = (held.false, held.true) if conjunction else (held.true, held.false)
        if number == len(node.values) - 1:
            found.append((reached, result.value))
        else:
            found += _leaving(result.value, all_of(reached, leaves), conjunction=conjunction)
        reached = all_of(reached, goes_on)
        if reached is False:
            break
    forget_changes(env, inner)
    return Result(choice(*found), any_of(*seen))


def _leaving(value: Value, when: Condition, *, conjunction: bool) -> list[tuple[Condition, Value]]:
    """What `and` gives for a part that is false, `or` for one that is true."""
    if isinstance(value, Truth) and value.boolean:
        return [(when, Const(not conjunction))]
    found = []
    for condition, inner in options(value):
        held = truth(inner)
        found.append((all_of(when, condition, held.false if conjunction else held.true), inner))
    return found


def _binds(node: ast.expr) -> bool:
    return any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node))


def forget_changes(env: Env, inner: Env) -> None:
    """Names that were bound only on some ways are not known any more."""
    if inner is not env:
        for name, value in inner.items():
            if env.get(name) is not value:
                env.pop(name, None)


def _if_exp(frame: Frame, node: ast.IfExp, env: Env) -> Result:
    forked = _forked(frame, node, [node.test], env)
    if forked is not None:
        return forked
    test = frame.evaluate(node.test, env)
    held = truth(test.value)
    found: list[tuple[Condition, Value]] = []
    seen = [test.seen]
    for condition, part in ((held.true, node.body), (held.false, node.orelse)):
        if condition is not False:
            inner = dict(env)
            result = frame.evaluate(part, inner)
            forget_changes(env, inner)
            found.append((condition, result.value))
            seen.append(all_of(condition, result.seen))
    return Result(choice(*found), any_of(*seen))


def _unary(frame: Frame, node: ast.UnaryOp, env: Env) -> Result:
    inner = frame.evaluate(node.operand, env)
    if isinstance(node.op, ast.Not):
        held = truth(inner.value)
        return Result(Truth(held.false, held.true), inner.seen)
    if isinstance(inner.value, Const) and type(inner.value.value) in (int, float) and isinstance(node.op, ast.USub):
        return Result(Const(-inner.value.value), inner.seen)
    return frame.stop(node, "calculates with a value, which may raise")


def _binary(frame: Frame, node: ast.BinOp, env: Env) -> Result:
    left, right = frame.evaluate(node.left, env), frame.evaluate(node.right, env)
    seen = any_of(left.seen, right.seen)
    if isinstance(node.op, ast.Add) and _is_text(left.value) and _is_text(right.value):
        value = _joined(left.value, right.value)
        return Result(value, seen)
    match left.value, right.value:
        case Const(one), Const(two) if (
            type(node.op) in FOLDED and type(one) is type(two) and type(one) in FOLDED[type(node.op)]
        ):
            return Result(Const(OPERATIONS[type(node.op)](one, two)), seen)
    return frame.stop(node, "calculates with a value, which may raise")


FOLDED: dict[type[ast.operator], tuple[type, ...]] = {
    ast.Add: (int, float, list, tuple),
    ast.Sub: (int, float, set, frozenset),
    ast.BitOr: (set, frozenset),
    ast.BitAnd: (set, frozenset),
}
OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}


def _is_text(value: Value) -> bool:
    return isinstance(value, AnyText) or (isinstance(value, Const) and isinstance(value.value, str))


def _joined(left: Value, right: Value) -> Value:
    if isinstance(left, Const) and isinstance(right, Const):
        return Const(left.value + right.value)
    return TEXT


def _compare(frame: Frame, node: ast.Compare, env: Env) -> Result:
    left = frame.evaluate(node.left, env)
    reached: Condition = True
    false: list[Condition] = []
    seen = [left.seen]
    inner = env
    for number, (op, comparator) in enumerate(zip(node.ops, node.comparators, strict=True)):
        inner = dict(env) if number == 1 else inner
        right = frame.evaluate(comparator, inner)
        result = compare.compare(frame, node, left.value, op, right.value)
        seen += [all_of(reached, right.seen), all_of(reached, result.seen)]
        held = truth(result.value)
        false.append(all_of(reached, held.false))
        reached = all_of(reached, held.true)
        left = right
    forget_changes(env, inner)
    return Result(Truth(reached, any_of(*false)), any_of(*seen))


def _display(frame: Frame, node: ast.List | ast.Tuple | ast.Set, env: Env) -> Result:
    if any(isinstance(item, ast.Starred) for item in node.elts):
        return frame.stop(node, "unpacks a value")
    results = [frame.evaluate(item, env) for item in node.elts]
    seen = any_of(*(result.seen for result in results))
    values = [result.value for result in results]
    if all(isinstance(value, Const) and is_scalar(value.value) for value in values):
        made = [value.value for value in values if isinstance(value, Const)]
        kinds = {ast.List: list, ast.Tuple: tuple, ast.Set: set}
        return Result(Const(kinds[type(node)](made)), seen)
    if isinstance(node, ast.Set):
        return frame.stop(node, "makes a set of values, which may raise")
    return Result(Items(tuple(map(Item, values))), seen)


def _dict(frame: Frame, node: ast.Dict, env: Env) -> Result:
    entries: dict[Any, Value] = {}
    seen: list[Condition] = []
    for key, item in zip(node.keys, node.values, strict=True):
        name = frame.evaluate(key, env) if key else None
        if name is None or not isinstance(name.value, Const) or not is_scalar(name.value.value):
            return frame.stop(node, "makes a mapping with keys that are not constant")
        result = frame.evaluate(item, env)
        seen += [name.seen, result.seen]
        entries[name.value.value] = result.value
    if all(isinstance(value, Const) and is_tame(value.value) for value in entries.values()):
        return Result(
            Const({key: value.value for key, value in entries.items() if isinstance(value, Const)}), any_of(*seen)
        )
    return Result(Table(entries), any_of(*seen))


def _f_string(frame: Frame, node: ast.JoinedStr, env: Env) -> Result:
    seen: list[Condition] = []
    begins, is_known = "", True
    for part in node.values:
        value: Value = ANYTHING
        if isinstance(part, ast.FormattedValue):
            if part.format_spec is not None:
                return frame.stop(node, "formats a value, which may raise")
            result = frame.evaluate(part.value, env)
            if isinstance(result.value, Code | Items):
                return frame.stop(node, "shows a value as text")
            seen.append(result.seen)
            value = result.value if part.conversion == -1 else ANYTHING
        elif isinstance(part, ast.Constant):
            value = Const(part.value)
        is_text = isinstance(value, Const) and isinstance(value.value, str)
        begins += value.value if is_known and is_text and isinstance(value, Const) else ""
        is_known = is_known and is_text
    return Result(Const(begins) if is_known else AnyText(begins), any_of(*seen))


def _subscript(frame: Frame, node: ast.Subscript, env: Env) -> Result:
    base, index = frame.evaluate(node.value, env), frame.evaluate(node.slice, env)
    found: list[tuple[Condition, Value]] = []
    seen = [base.seen, index.seen]
    for condition, held in options(base.value):
        for also, key in options(index.value):
            result = _item(frame, node, held, key)
            found.append((all_of(condition, also), result.value))
            seen.append(all_of(condition, also, result.seen))
    return Result(choice(*found), any_of(*seen))


def _item(frame: Frame, node: ast.Subscript, held: Value, key: Value) -> Result:
    match held, key:
        case Event(), Const(str() as name):
            read = Read(name)
            return Result(choice((read.null, Const(None)), (read.there, read)), read.gone)
        case Read(via=()), Const(str() as name):
            read = held.at(name)
            return Result(
                choice((read.null, Const(None)), (read.there, read)), any_of(held.not_kind("mapping"), read.gone)
            )
        case Split(read, separator), Const(0 | 1 as place) if type(place) is int:
            return Result(TEXT, read.text("contains", separator, negated=True) if place else False)
        case Const(dict() | list() | tuple() as holder), Const(name):
            try:
                return Result(Const(holder[name]))
            except (KeyError, IndexError, TypeError):
                return frame.stop(node, "reads an item that is not there")
        case Const(dict() as holder), Read() if len(holder) <= ELEMENTS_MAX:
            found = [(key.one_of(frozenset((name,))), Const(item)) for name, item in holder.items()]
            return Result(
                choice(*found), any_of(key.one_of(frozenset(holder), negated=True), key.kind("mapping", "list"))
            )
        case _:
            return frame.stop(node, "reads an item, which may not be there")


def _comprehension(frame: Frame, node: ast.GeneratorExp | ast.ListComp, env: Env) -> Result:
    lazy = isinstance(node, ast.GeneratorExp)
    if len(node.generators) != 1 or node.generators[0].is_async:
        return frame.stop(node, "loops in loops")
    loop = node.generators[0]
    source = frame.evaluate(loop.iter, env)
    found: list[tuple[Condition, Value]] = []
    seen = [source.seen]
    for condition, value in options(source.value):
        over = members(value)
        if over is None:
            return frame.stop(node, "loops over values that are not constant")
        made = []
        for item in over:
            inner = dict(env)
            if not bind(loop.target, item, inner):
                return frame.stop(node, "unpacks a value")
            made.append(_element(frame, node.elt, loop.ifs, inner))
        if not lazy:
            seen += [all_of(condition, each.seen) for each in made]
            made = [replace(each, seen=False) for each in made]
        found.append((condition, Items(tuple(made), lazy)))
    return Result(choice(*found), any_of(*seen))


def _element(frame: Frame, node: ast.expr, tests: Sequence[ast.expr], env: Env) -> Item:
    when: Condition = True
    unless: list[Condition] = []
    seen: list[Condition] = []
    for test in tests:
        result = frame.evaluate(test, env)
        held = truth(result.value)
        seen.append(all_of(when, result.seen))
        unless.append(all_of(when, held.false))
        when = all_of(when, held.true)
    result = frame.evaluate(node, env)
    return Item(result.value, when, any_of(*unless), any_of(*seen, all_of(when, result.seen)))


def bind(target: ast.expr, value: Value, env: Env) -> bool:
    """Whether the names of a target could be bound to a value."""
    if is_lazy(value):
        return False
    if isinstance(target, ast.Name):
        env[target.id] = value
        return True
    parts = members(value) if not isinstance(value, Const) or isinstance(value.value, tuple | list) else None
    if not isinstance(target, ast.Tuple) or parts is None or len(parts) != len(target.elts):
        return False
    return all(bind(each, part, env) for each, part in zip(target.elts, parts, strict=True))


def _lambda(frame: Frame, node: ast.Lambda, env: Env) -> Result:
    arguments = node.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults or arguments.posonlyargs:
        return frame.stop(node, "makes a function with more than plain arguments")
    names = [each.arg for each in arguments.args]
    held = {name: value for name, value in env.items() if frame.fixed(name)}

    def run(values: Sequence[Value]) -> Result:
        if len(values) != len(names):
            return frame.stop(node, "is called with another number of arguments")
        return frame.evaluate(node.body, {**held, **dict(zip(names, values, strict=True))})

    return Result(Code(run))


READERS: dict[type[ast.expr], Callable[[Frame, Any, Env], Result]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.NamedExpr: _walrus,
    ast.Attribute: _attribute,
    ast.BoolOp: _bool_op,
    ast.IfExp: _if_exp,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.List: _display,
    ast.Tuple: _display,
    ast.Set: _display,
    ast.Dict: _dict,
    ast.JoinedStr: _f_string,
    ast.Subscript: _subscript,
    ast.GeneratorExp: _comprehension,
    ast.ListComp: _comprehension,
    ast.Lambda: _lambda,
    ast.Call: calls.call,
}
