"""What calls in a rule come to."""

from __future__ import annotations

import ast
import functools
import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from headwater.detect.conditions import Condition, all_of, any_of
from headwater.detect.load import builtin_path
from headwater.detect.prefilter import methods
from headwater.detect.prefilter.patterns import search
from headwater.detect.prefilter.values import (
    ANYTHING,
    TEXT,
    AnyText,
    Arguments,
    Code,
    Const,
    Env,
    Event,
    Frame,
    Item,
    Items,
    Read,
    Result,
    Table,
    Truth,
    Value,
    choice,
    is_tame,
    members,
    options,
    truth,
)

Handler = Callable[[Frame, ast.Call, Arguments], Result]
UNSURE = Truth(True, True)


def call(frame: Frame, node: ast.Call, env: Env) -> Result:
    """What a call comes to, on each of what is called."""
    if isinstance(node.func, ast.Attribute):
        base = frame.evaluate(node.func.value, env)
        if isinstance(base.value, Const) and isinstance(base.value.value, ModuleType):
            base = frame.evaluate(node.func, env)
            name = None
        else:
            name = node.func.attr
    else:
        base, name = frame.evaluate(node.func, env), None
    if base.seen is True:
        return base
    arguments = _arguments(frame, node, env)
    if isinstance(arguments, Result):
        return arguments
    given, seen = arguments
    found: list[tuple[Condition, Value]] = []
    raised = [base.seen, seen]
    for condition, held in options(base.value):
        result = _called(frame, node, held, given) if name is None else methods.method(frame, node, held, name, given)
        found.append((condition, result.value))
        raised.append(all_of(condition, result.seen))
    return Result(choice(*found), any_of(*raised))


def _arguments(frame: Frame, node: ast.Call, env: Env) -> tuple[Arguments, Condition] | Result:
    plain: list[Value] = []
    named: dict[str, Value] = {}
    seen: list[Condition] = []
    for argument in node.args:
        result = frame.evaluate(argument.value if isinstance(argument, ast.Starred) else argument, env)
        seen.append(result.seen)
        if isinstance(argument, ast.Starred):
            unpacked = members(result.value)
            if unpacked is None:
                return frame.stop(node, "unpacks arguments")
            plain += unpacked
        else:
            plain.append(result.value)
    for keyword in node.keywords:
        if keyword.arg is None:
            return frame.stop(node, "unpacks arguments")
        result = frame.evaluate(keyword.value, env)
        seen.append(result.seen)
        named[keyword.arg] = result.value
    return Arguments(tuple(plain), named), any_of(*seen)


def _called(frame: Frame, node: ast.Call, held: Value, given: Arguments) -> Result:
    if isinstance(held, Code) and not given.named:
        return held.run(given.plain)
    if isinstance(held, Const):
        function = held.value
        handler = _handler(function)
        if handler is not None:
            return handler(frame, node, given)
        error = next((error for known, error in RAISES if known is function), None)
        if error is not None and len(given.plain) == 1 and not given.named and frame.tolerates(node, error):
            return Result(ANYTHING)
        if isinstance(function, FunctionType) and error is None:
            return _asked(function, given) or frame.inline(function, given, node)
    return frame.stop(node, f"calls {ast.unparse(node.func)}(), which may raise or have side effects")


def _asked(function: FunctionType, given: Arguments) -> Result | None:
    """The answers of a function of one value, for constants and for whatever value the row has; None for others."""
    if not is_of_value(function) or not given.plain or given.named:
        return None
    rest = [value.value for value in given.plain[1:] if isinstance(value, Const) and is_hashable(value.value)]
    if len(rest) < len(given.plain) - 1:
        return None
    found: list[tuple[Condition, Value]] = []
    seen: list[Condition] = []
    for condition, value in options(given.plain[0]):
        match value:
            case Const(held) if is_tame(held):
                try:
                    found.append((condition, Const(bool(function(held, *rest)))))
                except Exception:  # noqa: BLE001 — the rule raises it on every such row
                    seen.append(condition)
            case Read(via=()):
                further = tuple(rest)
                held_by = Truth(value.asked(function, "true", further), value.asked(function, "false", further))
                found.append((condition, held_by))
                seen.append(all_of(condition, value.asked(function, "error", further)))
            case _:
                return None
    return Result(choice(*found), any_of(*seen))


def is_hashable(value: object) -> bool:
    """Whether a constant is plain data that cannot change."""
    return is_tame(value) and isinstance(value, str | int | float | bool | None | tuple | frozenset)


def is_of_value(function: FunctionType) -> bool:
    """Whether a function of the built-in detections stands in its file's OF_VALUES: it has no effects, and tells the
    same, true or false, whenever it is asked about the same value."""
    names = function.__globals__.get("OF_VALUES", ())
    return Path(function.__code__.co_filename).is_relative_to(builtin_path()) and function.__name__ in names


def _handler(function: Any) -> Handler | None:
    return next((handler for known, handler in HANDLERS if known is function), None)


def _bool(frame: Frame, node: ast.Call, given: Arguments) -> Result:
    if len(given.plain) != 1 or given.named:
        return frame.stop(node, "calls bool() in a way that is not understood")
    held = truth(given.plain[0])
    return Result(Truth(held.true, held.false))


def _all(frame: Frame, node: ast.Call, given: Arguments) -> Result:
    return _every(frame, node, given, conjunction=True)


def _any(frame: Frame, node: ast.Call, given: Arguments) -> Result:
    return _every(frame, node, given, conjunction=False)


def _every(frame: Frame, node: ast.Call, given: Arguments, *, conjunction: bool) -> Result:
    if len(given.plain) != 1 or given.named:
        return frame.stop(node, "calls all() or any() in a way that is not understood")
    true: list[Condition] = []
    false: list[Condition] = []
    seen: list[Condition] = []
    for condition, value in options(given.plain[0]):
        if isinstance(value, Const) and members(value) is not None:
            value = Items(tuple(Item(item) for item in members(value) or ()))
        if not isinstance(value, Items):
            return frame.stop(node, "asks all() or any() of values that are not constant")
        held, raised = _over(value, conjunction=conjunction)
        true.append(all_of(condition, held.true))
        false.append(all_of(condition, held.false))
        seen.append(all_of(condition, raised))
    return Result(Truth(any_of(*true), any_of(*false)), any_of(*seen))


def _over(items: Items, *, conjunction: bool) -> tuple[Truth, Condition]:
    """all() or any() of some items; members behind one that decides are not reached."""
    reached: Condition = True
    decided: list[Condition] = []
    seen: list[Condition] = []
    for item in items.members:
        held = truth(item.value)
        decides, passes = (held.false, held.true) if conjunction else (held.true, held.false)
        seen.append(all_of(reached, item.seen))
        decided.append(all_of(reached, item.when, decides))
        reached = all_of(reached, any_of(item.unless, passes))
    return (Truth(reached, any_of(*decided)) if conjunction else Truth(any_of(*decided), reached)), any_of(*seen)


def _isinstance(frame: Frame, node: ast.Call, given: Arguments) -> Result:
    if len(given.plain) != 2 or given.named:
        return frame.stop(node, "calls isinstance() in a way that is not understood")
    wanted = _classes(given.plain[1])
    if wanted is None:
        return frame.stop(node, "asks for a class that is not constant")
    found = [(condition, _is_of(value, wanted)) for condition, value in options(given.plain[0])]
    return Result(choice(*found))


def _classes(value: Value) -> tuple[type, ...] | None:
    match value:
        case Const(type() as one):
            return (one,)
        case Items(members):
            parts = [_classes(member.value) for member in members]
            return None if None in parts else tuple(one for part in parts if part for one in part)
        case _:
            return None


# How the values of an event answer: its containers are a Mapping and a Sequence, but no dict and no list.
ANSWERS: dict[str, type] = {"text": str, "bool": bool, "int": int, "float": float}


def _is_of(value: Value, wanted: tuple[type, ...]) -> Value:
    match value:
        case Const(held):
            return Const(isinstance(held, wanted))
        case AnyText():
            return Const(issubclass(str, wanted))
        case Read(via=()):
            kinds = [kind for kind, answer in ANSWERS.items() if issubclass(answer, wanted)]
            kinds += ["mapping"] * issubclass(methods.MAPPING, wanted) + ["list"] * issubclass(methods.LIST, wanted)
            return Truth(value.kind(*kinds), value.not_kind(*kinds))
        case Event():
            return Const(True) if issubclass(methods.MAPPING, wanted) else UNSURE
        case _:
            return UNSURE


def _len(frame: Frame, node: ast.Call, given: Arguments) -> Result:
    if len(given.plain) == 1 and not given.named:
        held = given.plain[0]
        parts = members(held)
        if isinstance(held, Const) and is_tame(held.value) and parts is not None:
            return Result(Const(len(parts)))
    return frame.stop(node, "calls len(), which may raise")


def _text(frame: Frame, node: ast.Call, given: Arguments) -> Result:
    if len(given.plain) != 1 or given.named:
        return frame.stop(node, "calls str() in a way that is not understood")
    found: list[tuple[Condition, Value]] = []
    for condition, value in options(given.plain[0]):
        if isinstance(value, Code | Items | Table) or (isinstance(value, Const) and not is_tame(value.value)):
            return frame.stop(node, "shows a value as text")
        found.append((condition, Const(str(value.value)) if isinstance(value, Const) else TEXT))
    return Result(choice(*found))


def _container(kind: Callable[[Iterable[Any]], Any]) -> Handler:
    def handle(frame: Frame, node: ast.Call, given: Arguments) -> Result:
        parts = [] if not given.plain else members(given.plain[0])
        if given.named or len(given.plain) > 1 or parts is None:
            return frame.stop(node, "makes a container of values that are not constant")
        if all(isinstance(part, Const) and is_tame(part.value) for part in parts):
            try:
                return Result(Const(kind(part.value for part in parts if isinstance(part, Const))))
            except TypeError:
                pass
        return frame.stop(node, "makes a container of values that are not constant")

    return handle


def _search(frame: Frame, node: ast.Call, given: Arguments) -> Result:
    match given:
        case Arguments((Const(str() | re.Pattern() as pattern), text), named) if not named:
            return search(frame, node, pattern, text)
        case _:
            return frame.stop(node, "searches in a way that is not understood")


def _reduce(frame: Frame, node: ast.Call, given: Arguments) -> Result:
    match given:
        case Arguments((Code() as code, over, start), named) if not named:
            parts = members(over)
            if parts is not None:
                return _folded(code, parts, start)
    return frame.stop(node, "calls reduce() in a way that is not understood")


def _folded(code: Code, parts: Sequence[Value], start: Value) -> Result:
    value, seen = start, [False]
    raised: list[Condition] = list(seen)
    for part in parts:
        result = code.run((value, part))
        value = result.value
        raised.append(result.seen)
    return Result(value, any_of(*raised))


HANDLERS: Sequence[tuple[Any, Handler]] = (
    (bool, _bool),
    (all, _all),
    (any, _any),
    (isinstance, _isinstance),
    (len, _len),
    (str, _text),
    *((kind, _container(kind)) for kind in (list, tuple, set, frozenset, sorted)),
    (re.search, _search),
    (re.match, _search),
    (re.fullmatch, _search),
    (functools.reduce, _reduce),
)
# What these raise, whatever they are given; otherwise they do nothing that can be seen.
RAISES: Sequence[tuple[Any, type[Exception]]] = (
    (ipaddress.ip_address, ValueError),
    (ipaddress.IPv4Address, ipaddress.AddressValueError),
    (ipaddress.IPv6Address, ipaddress.AddressValueError),
)
