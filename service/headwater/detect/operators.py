"""The conditions of match expressions: what each says about a value and its operand."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Test = Callable[[Any, Any], bool]  # (value of the event, operand) → whether it holds


@dataclass(frozen=True, slots=True)
class Operator:
    """operand: none, one Value, or a list of Values. check: what is wrong with an operand, or ""."""

    name: str
    test: Test
    operand: Literal["none", "value", "list"] = "value"
    check: Callable[[Any], str] | None = None


def find(name: str) -> Operator | None:
    """The condition of that name."""
    return NAMES.get(name)


def _equals(value: Any, operand: Any) -> bool:
    return bool(value == operand) and isinstance(value, bool) is isinstance(operand, bool)


def _starts(value: Any, operand: Any) -> bool:
    return isinstance(value, str) and isinstance(operand, str) and value.startswith(operand)


def _ends(value: Any, operand: Any) -> bool:
    return isinstance(value, str) and isinstance(operand, str) and value.endswith(operand)


def _contains(value: Any, operand: Any) -> bool:
    if isinstance(value, str):
        return isinstance(operand, str) and operand in value
    return isinstance(value, Sequence | Mapping) and any(_equals(item, operand) for item in value)


def _is_in(value: Any, operand: Any) -> bool:
    return any(_equals(value, item) for item in operand)


def _folded(test: Test) -> Test:
    return lambda value, operand: test(_fold(value), _fold(operand))


def _fold(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, Sequence):
        return [_fold(item) for item in value]
    return value


def _not(test: Test) -> Test:
    return lambda value, operand: not test(value, operand)


def _ordered(compare: Callable[[Any, Any], bool]) -> Test:
    """False for null and for values that have no order."""

    def test(value: Any, operand: Any) -> bool:
        try:
            return value is not None and operand is not None and bool(compare(value, operand))
        except TypeError:
            return False

    return test


def _address(value: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _ip(holds: Callable[[ipaddress.IPv4Address | ipaddress.IPv6Address], bool]) -> Test:
    def test(value: Any, _operand: Any) -> bool:
        address = _address(value)
        return address is not None and holds(address)

    return test


def _in_cidr(value: Any, operand: Any) -> bool:
    address, network = _address(value), ipaddress.ip_network(operand, strict=False)
    return address is not None and address.version == network.version and address in network


def _cidr_problem(operand: Any) -> str:
    try:
        ipaddress.ip_network(operand, strict=False)
    except (ValueError, TypeError):
        return f"{operand!r} is no CIDR such as 192.0.2.0/24"
    return ""


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | Sequence | Mapping) and len(value) == 0)


_TEXT: Mapping[str, tuple[str, Test]] = MappingProxyType(
    {
        "Equals": ("DoesNotEqual", _equals),
        "StartsWith": ("DoesNotStartWith", _starts),
        "EndsWith": ("DoesNotEndWith", _ends),
        "Contains": ("DoesNotContain", _contains),
    }
)
_TEXT_OPERATORS = [
    operator
    for name, (opposite, test) in _TEXT.items()
    for operator in (
        Operator(name, test),
        Operator(opposite, _not(test)),
        Operator(f"I{name}", _folded(test)),
        Operator(f"I{opposite}", _not(_folded(test))),
    )
]
NAMES: Mapping[str, Operator] = MappingProxyType(
    {
        operator.name: operator
        for operator in (
            *_TEXT_OPERATORS,
            Operator("IsIn", _is_in, "list"),
            Operator("IsNotIn", _not(_is_in), "list"),
            Operator("IIsIn", _folded(_is_in), "list"),
            Operator("IIsNotIn", _not(_folded(_is_in)), "list"),
            Operator("IsGreaterThan", _ordered(lambda value, operand: value > operand)),
            Operator("IsGreaterThanOrEqual", _ordered(lambda value, operand: value >= operand)),
            Operator("IsGreaterThanOrEquals", _ordered(lambda value, operand: value >= operand)),
            Operator("IsLessThan", _ordered(lambda value, operand: value < operand)),
            Operator("IsLessThanOrEqual", _ordered(lambda value, operand: value <= operand)),
            Operator("IsLessThanOrEquals", _ordered(lambda value, operand: value <= operand)),
            Operator("Exists", lambda value, _: value is not None, "none"),
            Operator("DoesNotExist", lambda value, _: value is None, "none"),
            Operator("IsNull", lambda value, _: value is None, "none"),
            Operator("IsNotNull", lambda value, _: value is not None, "none"),
            Operator("IsNullOrEmpty", lambda value, _: _empty(value), "none"),
            Operator("IsNotNullOrEmpty", lambda value, _: not _empty(value), "none"),
            Operator("IsIPAddress", _ip(lambda address: True), "none"),
            Operator("IsIPv4Address", _ip(lambda address: address.version == 4), "none"),
            Operator("IsIPv6Address", _ip(lambda address: address.version == 6), "none"),
            Operator("IsIPAddressPublic", _ip(lambda address: address.is_global), "none"),
            Operator("IsIPAddressPrivate", _ip(lambda address: address.is_private), "none"),
            Operator("IsIPAddressInCIDR", _in_cidr, "value", _cidr_problem),
            Operator("IsIPAddressNotInCIDR", _not(_in_cidr), "value", _cidr_problem),
        )
    }
)
