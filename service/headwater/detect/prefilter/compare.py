"""What comparisons come to."""

from __future__ import annotations

import ast
from typing import Any

from headwater.detect.conditions import ORDERS, Condition, Order, all_of, any_of
from headwater.detect.prefilter.values import (
    AnyText,
    Const,
    Event,
    Frame,
    Items,
    Read,
    Result,
    Table,
    Truth,
    Value,
    is_scalar,
    is_tame,
    options,
    truth,
)

UNSURE = Truth(True, True)
YES, NO = Truth(True, False), Truth(False, True)


def compare(frame: Frame, node: ast.expr, left: Value, op: ast.cmpop, right: Value) -> Result:
    """`left op right`, on each combination of what the two may be."""
    true: list[Condition] = []
    false: list[Condition] = []
    seen: list[Condition] = []
    for condition, one in options(left):
        for also, two in options(right):
            result = _pair(frame, node, one, op, two)
            held, when = truth(result.value), all_of(condition, also)
            true.append(all_of(when, held.true))
            false.append(all_of(when, held.false))
            seen.append(all_of(when, result.seen))
    return Result(Truth(any_of(*true), any_of(*false)), any_of(*seen))


def _pair(frame: Frame, node: ast.expr, left: Value, op: ast.cmpop, right: Value) -> Result:
    match op:
        case ast.Eq():
            return Result(_equal(left, right))
        case ast.NotEq():
            return Result(_negated(_equal(left, right)))
        case ast.Is():
            return Result(_identical(left, right))
        case ast.IsNot():
            return Result(_negated(_identical(left, right)))
        case ast.In():
            return _member(frame, node, left, right)
        case ast.NotIn():
            result = _member(frame, node, left, right)
            return Result(_negated(truth(result.value)), result.seen)
        case _:
            return _ordered(frame, node, left, op, right)


def _negated(held: Truth) -> Truth:
    return Truth(held.false, held.true)


def _equal(left: Value, right: Value) -> Truth:
    match left, right:
        case Const(one), Const(two) if is_tame(one) and is_tame(two):
            return YES if one == two else NO
        case (Read() as read, Const(value)) | (Const(value), Read() as read) if is_scalar(value):
            return one_of(read, frozenset((value,)))
        case _:
            return UNSURE


def one_of(read: Read, values: frozenset[Any]) -> Truth:
    """Whether a value of the row is one of some scalars."""
    return Truth(read.one_of(values), read.one_of(values, negated=True))


def _identical(left: Value, right: Value) -> Truth:
    match left, right:
        case (Read(), Const(None)) | (Const(None), Read()):
            return NO
        case (Event() | AnyText() | Items() | Table(), Const(None)) | (
            Const(None),
            Event() | AnyText() | Items() | Table(),
        ):
            return NO
        case (Truth() as held, Const(None)) | (Const(None), Truth() as held):
            return NO if held.boolean else _negated(held)
        case Const(one), Const(two) if one is None or two is None or (isinstance(one, bool) and isinstance(two, bool)):
            return YES if one is two else NO
        case (Read() as read, Const(bool() as value)) | (Const(bool() as value), Read() as read):
            return Truth(read.one_of(frozenset((value,))), read.there)
        case _:
            return UNSURE


def _member(frame: Frame, node: ast.expr, left: Value, right: Value) -> Result:
    match left, right:
        case Const(one), Const(two) if is_tame(one) and is_tame(two):
            try:
                return Result(YES if one in two else NO)
            except TypeError:
                return frame.stop(node, "looks for a value where none can be, which raises")
        case Read(), Const(tuple() | list() | set() | frozenset() | dict() as held) if all(map(is_scalar, held)):
            hashes = isinstance(held, set | frozenset | dict)  # and containers of a row cannot be hashed
            return Result(one_of(left, frozenset(held)), left.kind("mapping", "list") if hashes else False)
        case Read(), Const(str()):
            return Result(UNSURE, left.not_kind("text"))
        case Read(), Table(entries):
            return Result(one_of(left, frozenset(entries)), left.kind("mapping", "list"))
        case Const(value), Read() if is_scalar(value):
            return _inside(value, right)
        case _, Const(tuple() | list()) if not isinstance(left, Const):
            return Result(UNSURE)
        case _, Items(members) if all(member.seen is False for member in members):
            return Result(UNSURE)
        case AnyText(), Const(set() | frozenset() | dict() | str()) | Table() | AnyText():
            return Result(UNSURE)
        case AnyText(), Read():
            return Result(UNSURE, right.not_kind("text", "mapping", "list"))
        case Const(str()), AnyText():
            return Result(UNSURE)
        case Const(str() as key), Event():
            read = Read(key)
            return Result(Truth(any_of(read.there, read.null), read.gone))
        case Const(value), Table(entries) if is_scalar(value):
            return Result(YES if value in entries else NO)
        case _:
            return frame.stop(node, "looks for a value in another, which may raise")


def _inside(value: Any, read: Read) -> Result:
    """`value in <a value of the row>`: part of a text, member of a list or key of a mapping."""
    containers = read.kind("mapping", "list") if not read.via else False
    if not isinstance(value, str):
        return Result(Truth(containers, containers), read.not_kind("mapping", "list"))
    held = read.asks("contains", value)
    raises = False if read.via else read.not_kind("text", "mapping", "list")
    return Result(Truth(any_of(held.true, containers), any_of(held.false, containers)), raises)


def _ordered(frame: Frame, node: ast.expr, left: Value, op: ast.cmpop, right: Value) -> Result:
    match left, right:
        case Const(one), Const(two) if type(one) in (int, float) and type(two) in (int, float):
            return Result(YES if ORDERS[SIGNS[type(op)]](one, two) else NO)
        case (Read(via=()), Const(int() | float() as number)) if is_scalar(number):
            return _against(left, SIGNS[type(op)], number)
        case (Const(int() | float() as number), Read(via=())) if is_scalar(number):
            return _against(right, MIRRORED[SIGNS[type(op)]], number)
        case (Read() as read, Const(str())) | (Const(str()), Read() as read):
            return Result(UNSURE, read.not_kind("text"))
        case _:
            return frame.stop(node, "asks which value is greater, which may raise")


def _against(read: Read, sign: Order, number: int | float) -> Result:
    held = Truth(read.than(sign, number), read.than(OPPOSITE[sign], number))
    return Result(held, read.not_kind("int", "float", "bool"))


SIGNS: dict[type[ast.cmpop], Order] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
MIRRORED: dict[Order, Order] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
OPPOSITE: dict[Order, Order] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
