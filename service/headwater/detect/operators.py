"""The conditions of match expressions: what each asks of a value.

A condition is made of its operand once and then called for each value. None raises: what cannot be compared does not
meet a condition, and meets its opposite.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from headwater.detect.event import ImmutableCaseInsensitiveDict, ImmutableList

Predicate = Callable[[Any], bool]
Make = Callable[[Any], Predicate]  # operand → what it asks of a value

LISTS = (ImmutableList, list, tuple)
MAPPINGS = (ImmutableCaseInsensitiveDict, dict)
CONTAINERS = (*LISTS, *MAPPINGS)


@dataclass(frozen=True, slots=True)
class Operator:
    """One condition. base: the one it is a form of; negated, folded: in what way (folded: in any case of letters).

    operand: none, one Value, or a list of Values. check: what is wrong with an operand, or "".
    """

    name: str
    base: str
    make: Make
    operand: Literal["none", "value", "list"]
    check: Callable[[Any], str] = lambda operand: ""
    negated: bool = False
    folded: bool = False


def find(name: str) -> Operator | None:
    """The condition of that name."""
    return NAMES.get(name)


def never(_value: Any) -> bool:
    """What holds for no value."""
    return False


def fold(value: Any) -> Any:
    """The value with all its text in one case."""
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, LISTS):
        return [fold(item) for item in value]
    if isinstance(value, MAPPINGS):
        return {fold(key): fold(item) for key, item in value.items()}
    return value


def _equals(operand: Any) -> Predicate:
    if isinstance(operand, str):
        return lambda value: bool(value == operand)
    is_bool = isinstance(operand, bool)  # Python holds 1 and true to be equal
    return lambda value: bool(value == operand) and isinstance(value, bool) is is_bool


def _starts(operand: Any) -> Predicate:
    if not isinstance(operand, str):
        return never
    return lambda value: isinstance(value, str) and value.startswith(operand)


def _ends(operand: Any) -> Predicate:
    if not isinstance(operand, str):
        return never
    return lambda value: isinstance(value, str) and value.endswith(operand)


def _contains(operand: Any) -> Predicate:
    equal = _equals(operand)

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return isinstance(operand, str) and operand in value
        return isinstance(value, CONTAINERS) and any(map(equal, value))

    return test


def _is_in(operand: Any) -> Predicate:
    if not isinstance(operand, LISTS):
        return never
    if all(isinstance(item, str) for item in operand):
        texts = frozenset(operand)
        return lambda value: isinstance(value, str) and value in texts
    tests = [_equals(item) for item in operand]
    return lambda value: any(test(value) for test in tests)


def _ordered(compare: Callable[[Any, Any], bool]) -> Make:
    """Numbers with numbers, texts with texts."""

    def make(operand: Any) -> Predicate:
        if isinstance(operand, str):
            return lambda value: isinstance(value, str) and compare(value, operand)
        if isinstance(operand, int | float) and not isinstance(operand, bool):
            return lambda value: (
                isinstance(value, int | float) and not isinstance(value, bool) and compare(value, operand)
            )
        return never

    return make


def _is_null(_operand: Any) -> Predicate:
    return lambda value: value is None


def _is_null_or_empty(_operand: Any) -> Predicate:
    return lambda value: value is None or (isinstance(value, (str, *CONTAINERS)) and len(value) == 0)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _ip(holds: Callable[[Address], bool]) -> Make:
    def test(value: Any) -> bool:
        address = _address(value)
        return address is not None and holds(address)

    return lambda operand: test


def _in_cidr(operand: Any) -> Predicate:
    if _cidr_problem(operand):
        return never
    network = ipaddress.ip_network(operand, strict=False)

    def test(value: Any) -> bool:
        address = _address(value)
        return address is not None and address in network

    return test


def _address(value: Any) -> Address | None:
    try:
        return ipaddress.ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _cidr_problem(operand: Any) -> str:
    try:
        if isinstance(operand, str):
            ipaddress.ip_network(operand, strict=False)
            return ""
    except ValueError:
        pass
    return f"{operand!r} is no CIDR such as 192.0.2.0/24"


def _text_problem(operand: Any) -> str:
    return "" if isinstance(operand, str) else f"must be text, is {operand!r}"


def _order_problem(operand: Any) -> str:
    good = isinstance(operand, str | int | float) and not isinstance(operand, bool)
    return "" if good else f"must be a number or text, is {operand!r}"


def _negated(operator: Operator, name: str) -> Operator:
    def make(operand: Any) -> Predicate:
        test = operator.make(operand)
        return lambda value: not test(value)

    return replace(operator, name=name, make=make, negated=True)


def _folded(operator: Operator) -> Operator:
    def make(operand: Any) -> Predicate:
        test = operator.make(fold(operand))
        return lambda value: test(fold(value))

    return replace(operator, name=f"I{operator.name}", make=make, folded=True)


def _forms(name: str, opposite: str, make: Make, check: Callable[[Any], str], *, many: bool) -> Iterable[Operator]:
    """A condition on text, its opposite, and both in any case of letters."""
    plain = Operator(name, name, make, "list" if many else "value", check)
    for operator in (plain, _folded(plain)):
        yield operator
        yield _negated(operator, f"I{opposite}" if operator.folded else opposite)


def _order(name: str, compare: Callable[[Any, Any], bool]) -> Operator:
    return Operator(name, "IsGreaterThan", _ordered(compare), "value", _order_problem)


def _address_test(name: str, holds: Callable[[Address], bool]) -> Operator:
    return Operator(name, "IsIPAddress", _ip(holds), "none")


def _anything(_operand: Any) -> str:
    return ""


def _all() -> Iterable[Operator]:
    yield from _forms("Equals", "DoesNotEqual", _equals, _anything, many=False)
    yield from _forms("StartsWith", "DoesNotStartWith", _starts, _text_problem, many=False)
    yield from _forms("EndsWith", "DoesNotEndWith", _ends, _text_problem, many=False)
    yield from _forms("Contains", "DoesNotContain", _contains, _anything, many=False)
    yield from _forms("IsIn", "IsNotIn", _is_in, _anything, many=True)
    for ending in ("OrEqual", "OrEquals"):
        yield _order(f"IsGreaterThan{ending}", lambda value, operand: bool(value >= operand))
        yield _order(f"IsLessThan{ending}", lambda value, operand: bool(value <= operand))
    yield _order("IsGreaterThan", lambda value, operand: bool(value > operand))
    yield _order("IsLessThan", lambda value, operand: bool(value < operand))
    null = Operator("IsNull", "IsNull", _is_null, "none")
    empty = Operator("IsNullOrEmpty", "IsNullOrEmpty", _is_null_or_empty, "none")
    yield from (null, replace(null, name="DoesNotExist"), _negated(null, "IsNotNull"), _negated(null, "Exists"))
    yield from (empty, _negated(empty, "IsNotNullOrEmpty"))
    yield _address_test("IsIPAddress", lambda address: True)
    yield _address_test("IsIPv4Address", lambda address: address.version == 4)
    yield _address_test("IsIPv6Address", lambda address: address.version == 6)
    yield _address_test("IsIPAddressPublic", lambda address: address.is_global)
    yield _address_test("IsIPAddressPrivate", lambda address: address.is_private)
    inside = Operator("IsIPAddressInCIDR", "IsIPAddress", _in_cidr, "value", _cidr_problem)
    yield from (inside, _negated(inside, "IsIPAddressNotInCIDR"))


NAMES: Mapping[str, Operator] = MappingProxyType({operator.name: operator for operator in _all()})
