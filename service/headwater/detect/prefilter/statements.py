"""What statements of a rule come to, on every way through them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from headwater.detect.conditions import Condition, all_of, any_of
from headwater.detect.prefilter import compare
from headwater.detect.prefilter.expressions import bind
from headwater.detect.prefilter.values import (
    ANYTHING,
    AnyText,
    Const,
    Env,
    Frame,
    Items,
    Result,
    Truth,
    Value,
    forks,
    is_lazy,
    is_scalar,
    members,
    options,
    truth,
)

LOOPS_MAX = 40  # elements of a constant that a for statement goes through


@dataclass(frozen=True, slots=True)
class Paths:
    """What some statements come to: the rows on which they are seen, and what they return on which."""

    seen: Condition = False
    returns: tuple[tuple[Condition, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Exits:
    """What comes after some statements: behind them, and behind a break or continue in them."""

    behind: Callable[[Env], Paths]
    at_break: Callable[[Env], Paths] | None = None
    at_continue: Callable[[Env], Paths] | None = None


class StatementFrame(Frame, Protocol):
    """What reading statements needs of the function besides."""

    @property
    def is_rule(self) -> bool:
        """Whether this is the rule itself."""

    def step(self) -> None:
        """Counts a statement. Raises: TooComplexError."""

    def is_local(self, name: str) -> bool:
        """Whether a name belongs to the function."""

    def rebinds(self, name: str) -> None:
        """Notes that a global name is bound again. Raises: Reassigned where it was taken to be fixed."""

    def tolerate(self, nodes: Sequence[ast.stmt], errors: tuple[type, ...]) -> None:
        """Exceptions of these classes are caught around some statements."""


def block(frame: StatementFrame, statements: Sequence[ast.stmt], env: Env, exits: Exits) -> Paths:
    """Every way through some statements and what comes after them."""
    if not statements:
        return exits.behind(env)
    frame.step()
    first, rest = statements[0], statements[1:]
    return _statement(frame, first, dict(env), replace(exits, behind=lambda after: block(frame, rest, after, exits)))


def returned(frame: StatementFrame, value: Value) -> Paths:
    """A return. What a rule returns is seen unless it is False."""
    return Paths(_not_false(value)) if frame.is_rule else Paths(returns=((True, value),))


def _not_false(value: Value) -> Condition:
    parts = []
    for condition, inner in options(value):
        match inner:
            case Const(held):
                parts.append(condition if held is not False else False)
            case Truth(true, boolean=True):
                parts.append(all_of(condition, true))
            case _:
                parts.append(condition)
    return any_of(*parts)


def _statement(frame: StatementFrame, node: ast.stmt, env: Env, exits: Exits) -> Paths:
    match node:
        case ast.Pass() | ast.Global() | ast.Expr(ast.Constant()):
            return exits.behind(env)
        case ast.Expr(value):
            return _after(frame.evaluate(value, env), exits.behind, env)
        case ast.Return(value):
            result = frame.evaluate(value, env) if value else Result(Const(None))
            return _after(result, lambda _: returned(frame, result.value), env)
        case ast.If():
            return _if(frame, node, env, exits)
        case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
            return _assign(frame, node, target, frame.evaluate(value, env), env, exits)
        case ast.AugAssign(target=ast.Name(id=name) as target):
            source = ast.copy_location(
                ast.BinOp(ast.copy_location(ast.Name(name, ast.Load()), node), node.op, node.value), node
            )
            result = frame.evaluate(source, env)
            changes = not all(_is_immutable(inner) for _, inner in options(result.value))
            return (
                _stop(frame, node, "changes a value in place")
                if changes
                else _assign(frame, node, target, result, env, exits)
            )
        case ast.For():
            return _for(frame, node, env, exits)
        case ast.Try():
            return _try(frame, node, env, exits)
        case ast.Match():
            return _match(frame, node, env, exits)
        case ast.Break() if exits.at_break:
            return exits.at_break(env)
        case ast.Continue() if exits.at_continue:
            return exits.at_continue(env)
        case ast.Assert(test):
            result = frame.evaluate(test, env)
            held = truth(result.value)
            return _merged(Paths(any_of(result.seen, held.false)), _guarded(held.true, exits.behind, env))
        case ast.Raise():
            return _stop(frame, node, "raises an exception")
        case _:
            return _stop(frame, node, f"has a statement that is not understood ({type(node).__name__.lower()})")


def _stop(frame: Frame, node: ast.AST, why: str) -> Paths:
    return Paths(frame.stop(node, why).seen)


def _after(result: Result, go_on: Callable[[Env], Paths], env: Env) -> Paths:
    return Paths(True) if result.seen is True else _merged(Paths(result.seen), go_on(env))


def _merged(*paths: Paths) -> Paths:
    return Paths(any_of(*(path.seen for path in paths)), tuple(each for path in paths for each in path.returns))


def _guarded(condition: Condition, go_on: Callable[[Env], Paths], env: Env) -> Paths:
    """What comes next on the rows of a condition."""
    if condition is False:
        return Paths()
    paths = go_on(dict(env))
    returns = ((all_of(condition, when), value) for when, value in paths.returns)
    return Paths(all_of(condition, paths.seen), tuple((when, value) for when, value in returns if when is not False))


def _if(frame: StatementFrame, node: ast.If, env: Env, exits: Exits) -> Paths:
    ways = forks([node.test], env)
    if ways:
        return _merged(
            *(_guarded(condition, partial(_if, frame, node, exits=exits), inner) for condition, inner in ways)
        )
    test = frame.evaluate(node.test, env)
    if test.seen is True:
        return Paths(True)
    held = truth(test.value)
    return _merged(
        Paths(test.seen),
        _guarded(held.true, lambda inner: block(frame, node.body, inner, exits), env),
        _guarded(held.false, lambda inner: block(frame, node.orelse, inner, exits), env),
    )


def _assign(frame: StatementFrame, node: ast.stmt, target: ast.expr, result: Result, env: Env, exits: Exits) -> Paths:
    if result.seen is True:
        return Paths(True)
    names = [inner.id for inner in ast.walk(target) if isinstance(inner, ast.Name)]
    for name in names:
        if not frame.is_local(name):
            frame.rebinds(name)
            return _stop(frame, node, f"sets the global {name}")
    if is_lazy(result.value):
        return _stop(frame, node, "keeps a generator")
    if not isinstance(target, ast.Name | ast.Tuple) or not bind(target, result.value, env):
        return _stop(frame, node, "unpacks or changes a value")
    return _after(result, exits.behind, env)


def _is_immutable(value: Value) -> bool:
    return isinstance(value, AnyText | Truth) or (isinstance(value, Const) and is_scalar(value.value))


def _for(frame: StatementFrame, node: ast.For, env: Env, exits: Exits) -> Paths:
    source = frame.evaluate(node.iter, env)
    if source.seen is True:
        return Paths(True)
    paths = [Paths(source.seen)]
    for condition, value in options(source.value):
        over = None if isinstance(value, Items) and value.lazy else members(value)
        if over is None or len(over) > LOOPS_MAX:
            paths.append(Paths(all_of(condition, frame.stop(node, "loops over values that are not constant").seen)))
            continue
        paths.append(_guarded(condition, partial(_rounds, frame, node, over, exits=exits), env))
    return _merged(*paths)


def _rounds(frame: StatementFrame, node: ast.For, over: Sequence[Value], env: Env, exits: Exits) -> Paths:
    if not over:
        return block(frame, node.orelse, env, exits)
    names = (inner.id for inner in ast.walk(node.target) if isinstance(inner, ast.Name))
    if not all(map(frame.is_local, names)) or not bind(node.target, over[0], env):
        return _stop(frame, node, "unpacks or changes a value")

    def go_on(inner: Env) -> Paths:
        return _rounds(frame, node, over[1:], dict(inner), exits)

    return block(frame, node.body, env, Exits(go_on, exits.behind, go_on))


def _try(frame: StatementFrame, node: ast.Try, env: Env, exits: Exits) -> Paths:
    """Only exceptions of functions that are known to raise nothing else come to a handler unseen."""
    errors = [error for handler in node.handlers for error in _caught(frame, handler, env)]
    if node.finalbody or not errors:
        return _stop(frame, node, "catches exceptions in a way that is not understood")
    frame.tolerate(node.body, tuple(errors))
    bound = {inner.id for part in node.body for inner in ast.walk(part) if isinstance(inner, ast.Name)}
    bound &= {
        inner.id
        for part in node.body
        for inner in ast.walk(part)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    }
    unsure = {name: value for name, value in env.items() if name not in bound}
    within = block(
        frame, node.body, dict(env), replace(exits, behind=lambda after: block(frame, node.orelse, after, exits))
    )
    caught = [
        block(frame, handler.body, {**unsure, **({handler.name: ANYTHING} if handler.name else {})}, exits)
        for handler in node.handlers
    ]
    return _merged(within, *caught)


def _caught(frame: Frame, handler: ast.ExceptHandler, env: Env) -> list[type]:
    if handler.type is None:
        return [Exception]
    value = frame.evaluate(handler.type, dict(env)).value
    held = [value, *(members(value) or ())] if not isinstance(value, Items) else [item.value for item in value.members]
    return [each.value for each in held if isinstance(each, Const) and isinstance(each.value, type)]


def _match(frame: StatementFrame, node: ast.Match, env: Env, exits: Exits) -> Paths:
    subject = frame.evaluate(node.subject, env)
    if subject.seen is True:
        return Paths(True)
    paths = [Paths(subject.seen)]
    reached: Condition = True
    for case in node.cases:
        inner = dict(env)
        result = _pattern(frame, node, case.pattern, subject.value, inner)
        held = truth(result.value)
        if case.guard and result.seen is not True:
            guard = frame.evaluate(case.guard, inner)
            also = truth(guard.value)
            seen = any_of(result.seen, all_of(held.true, guard.seen))
            result = Result(Truth(all_of(held.true, also.true), any_of(held.false, also.false)), seen)
            held = truth(result.value)
        paths.append(Paths(all_of(reached, result.seen)))
        go_on = partial(block, frame, case.body, exits=exits)
        paths.append(_guarded(all_of(reached, held.true), go_on, inner))
        reached = all_of(reached, held.false)
    return _merged(*paths, _guarded(reached, exits.behind, env))


def _pattern(frame: StatementFrame, node: ast.Match, pattern: ast.pattern, subject: Value, env: Env) -> Result:
    match pattern:
        case ast.MatchValue(value):
            expected = frame.evaluate(value, env)
            result = compare.compare(frame, node.subject, subject, ast.Eq(), expected.value)
            return Result(result.value, any_of(expected.seen, result.seen))
        case ast.MatchSingleton(value):
            return compare.compare(frame, node.subject, subject, ast.Is(), Const(value))
        case ast.MatchOr(patterns):
            results = [_pattern(frame, node, each, subject, env) for each in patterns]
            held = [truth(result.value) for result in results]
            either = Truth(any_of(*(each.true for each in held)), all_of(*(each.false for each in held)))
            return Result(either, any_of(*(result.seen for result in results)))
        case ast.MatchAs(inner, name):
            result = _pattern(frame, node, inner, subject, env) if inner else Result(Const(True))
            if name:
                env[name] = subject
            return result
        case _:
            return frame.stop(pattern, "has a pattern that is not understood")
