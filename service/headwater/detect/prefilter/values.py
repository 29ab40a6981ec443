"""What is known of a value while a rule is read: where it comes from, or when it is true."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any, Literal, Protocol

from headwater.detect.conditions import (
    KINDS,
    Asked,
    Condition,
    Kind,
    OneOf,
    Order,
    Scalar,
    Text,
    Than,
    Truthy,
    absent,
    all_of,
    any_of,
    present,
)
from headwater.detect.datamodel import DataModel

SCALARS = (str, int, float, bool, type(None))
ELEMENTS_MAX = 200  # of a constant that is looped over
FORKS_MAX = 8  # values of a name that are looked at one by one
OPTIONS_MAX = 24  # values that one expression may have
CONTAINERS = (list, tuple, set, frozenset, dict)


@dataclass(frozen=True, slots=True)
class Event:
    """The row itself. udm: whether it has the method udm (what a data model's method gets has not)."""

    udm: bool = True


@dataclass(frozen=True, slots=True)
class Const:
    """An object that does not change: a scalar, a container of such, a function, a class, a module, a pattern."""

    value: Any


@dataclass(frozen=True, slots=True)
class Read:
    """The value at a path of the row, where it is there and not null. via: text methods called on it since."""

    key: str
    inside: tuple[str, ...] = ()
    via: tuple[str, ...] = ()

    @property
    def there(self) -> Condition:
        """The rows that have it."""
        return present(self.key, self.inside)

    @property
    def gone(self) -> Condition:
        """The rows that have not."""
        return absent(self.key, self.inside)

    @property
    def null(self) -> Condition:
        """The rows that may have the key with null; a column that is null is no key of the row."""
        return absent(self.key, self.inside) if self.inside else False

    def at(self, key: str) -> Read:
        """The value under a key of this one, a mapping."""
        return Read(self.key, (*self.inside, key))

    def truthy(self, *, negated: bool = False) -> Condition:
        """The rows where it is true (with negated: false)."""
        return Truthy(self.key, negated, inside=self.inside, via=self.via)

    def text(self, how: Literal["startswith", "endswith", "contains"], *texts: str, negated: bool = False) -> Condition:
        """The rows where it is a text that begins with, ends with or contains one of some texts (negated: none)."""
        return Text(self.key, how, frozenset(texts), negated, inside=self.inside, via=self.via)

    def asks(self, how: Literal["startswith", "endswith", "contains"], *texts: str) -> Truth:
        """Whether it begins with, ends with or contains one of some texts."""
        return Truth(self.text(how, *texts), self.text(how, *texts, negated=True))

    def one_of(self, values: frozenset[Scalar], *, negated: bool = False) -> Condition:
        """The rows where it is one of some scalars (negated: none)."""
        return OneOf(self.key, values - {None}, negated, inside=self.inside, via=self.via)

    def than(self, order: Order, number: int | float) -> Condition:
        """The rows where it is a number on that side of another one."""
        return Than(self.key, order, number, inside=self.inside)

    def asked(
        self, function: Callable[..., Any], answer: Literal["true", "false", "error"], rest: tuple[Any, ...]
    ) -> Condition:
        """The rows where a function answers so for it."""
        return Asked(self.key, function, answer, rest, inside=self.inside)

    def kind(self, *kinds: str) -> Condition:
        """The rows where it is of one of these kinds."""
        return Kind(self.key, frozenset(kinds), inside=self.inside)

    def not_kind(self, *kinds: str) -> Condition:
        """The rows where it is of another kind."""
        return Kind(self.key, KINDS - frozenset(kinds), inside=self.inside)


@dataclass(frozen=True, slots=True)
class Truth:
    """A value of which is known on which rows it may be true, and may be false.

    boolean: it is a real bool; otherwise it is an object that is true, or None.
    """

    true: Condition
    false: Condition
    boolean: bool = True


@dataclass(frozen=True, slots=True)
class AnyText:
    """Some text that begins with a known one."""

    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a text of the row between separators."""

    read: Read
    separator: str


@dataclass(frozen=True, slots=True)
class Anything:
    """Some plain value: comparing it, or asking whether it is true, raises nothing."""


@dataclass(frozen=True, slots=True)
class Item:
    """A member of a list. when, unless: the rows on which it may be in it, and may not. seen: on which it raises."""

    value: Value
    when: Condition = True
    unless: Condition = False
    seen: Condition = False

    @property
    def sure(self) -> bool:
        """Whether it is always there, and reaching it raises nothing."""
        return self.when is True and self.unless is False and self.seen is False


@dataclass(frozen=True, slots=True)
class Items:
    """A list, tuple or set of values that is made while the rule runs; lazy: what a generator gives."""

    members: tuple[Item, ...]
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping that is made while the rule runs, by its constant keys."""

    entries: Mapping[Scalar, Value]


@dataclass(frozen=True, slots=True)
class Code:
    """A lambda that is made while the rule runs. run: its value for some arguments."""

    run: Callable[[Sequence[Value]], Result]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values, each on its own rows; several may be possible on one row."""

    options: tuple[tuple[Condition, Value], ...]


Value = Event | Const | Read | Truth | AnyText | Split | Anything | Items | Table | Code | Choice
ANYTHING = Anything()
TEXT = AnyText()


@dataclass(frozen=True, slots=True)
class Result:
    """What an expression comes to. seen: the rows on which working it out raises, or does something else."""

    value: Value
    seen: Condition = False


Env = dict[str, Value]  # local names on one way through a function


class Frame(Protocol):
    """What reading a part of a rule needs of the function that is read."""

    @property
    def model(self) -> DataModel | None:
        """What event.udm goes by."""

    def evaluate(self, node: ast.expr, env: Env) -> Result:
        """What an expression comes to."""

    def inline(self, function: FunctionType, arguments: Arguments, node: ast.AST) -> Result:
        """What calling a function of the detections comes to."""

    def name(self, name: str) -> Value | None:
        """The value of a name that is not local, if it cannot change."""

    def attribute(self, module: ModuleType, name: str) -> Value | None:
        """The value of a module's attribute, if it cannot change."""

    def fixed(self, name: str) -> bool:
        """Whether a local name has one value all the time."""

    def tolerates(self, node: ast.AST, error: type[Exception]) -> bool:
        """Whether an exception at this place is caught, and what follows then is known."""

    def stop(self, node: ast.AST, why: str) -> Result:
        """Nothing is known from here on: every row that gets here is seen."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call."""

    plain: tuple[Value, ...] = ()
    named: Mapping[str, Value] = field(default_factory=dict)


def forks(nodes: Sequence[ast.expr], env: Env) -> list[tuple[Condition, Env]]:
    """A way for each value of the first name in some tests that has several, so that each is tested by itself."""
    for node in nodes:
        for inner in ast.walk(node):
            value = env.get(inner.id) if isinstance(inner, ast.Name) else None
            if isinstance(inner, ast.Name) and isinstance(value, Choice) and 1 < len(value.options) <= FORKS_MAX:
                return [(condition, {**env, inner.id: held}) for condition, held in value.options]
    return []


def is_lazy(value: Value) -> bool:
    """Whether a value is used up by looking at it."""
    return any(isinstance(inner, Items) and inner.lazy for _, inner in options(value))


def options(value: Value) -> tuple[tuple[Condition, Value], ...]:
    """The rows on which a value is what."""
    return value.options if isinstance(value, Choice) else ((True, value),)


def choice(*found: tuple[Condition, Value]) -> Value:
    """One of some values, as simple as it can be told."""
    flat: list[tuple[Condition, Value]] = [
        (both, inner)
        for condition, value in found
        for held, inner in options(value)
        if (both := all_of(condition, held)) is not False
    ]
    flat = _united(flat)
    if len(flat) == 1 and flat[0][0] is True:
        return flat[0][1]
    if flat and all(_is_bool(value) for _, value in flat):
        return Truth(
            any_of(*(all_of(condition, truth(value).true) for condition, value in flat)),
            any_of(*(all_of(condition, truth(value).false) for condition, value in flat)),
        )
    if len(flat) > OPTIONS_MAX and all(_is_plain(value) for _, value in flat):
        return ANYTHING
    return Choice(tuple(flat))


def _united(found: Sequence[tuple[Condition, Value]]) -> list[tuple[Condition, Value]]:
    """Each value once, on all its rows."""
    united: dict[Any, tuple[Condition, Value]] = {}
    for condition, value in found:
        is_known = isinstance(value, Read | AnyText | Split | Anything) or (
            isinstance(value, Const) and is_scalar(value.value)
        )
        kind = type(value.value) if isinstance(value, Const) else type(value)
        key = (kind, value) if is_known else id(value)
        united[key] = (any_of(united[key][0], condition), value) if key in united else (condition, value)
    return list(united.values())


def _is_plain(value: Value) -> bool:
    return isinstance(value, Read | AnyText | Split | Anything | Truth) or (
        isinstance(value, Const) and is_tame(value.value)
    )


def _is_bool(value: Value) -> bool:
    return (isinstance(value, Truth) and value.boolean) or (isinstance(value, Const) and isinstance(value.value, bool))


def truth(value: Value) -> Truth:
    """When a value is true, and when it is false."""
    match value:
        case Truth():
            return value
        case Const(held):
            return Truth(bool(held), not held) if is_tame(held) else Truth(True, False)
        case Read():
            return Truth(value.truthy(), value.truthy(negated=True))
        case Choice(found):
            parts = [(condition, truth(inner)) for condition, inner in found]
            return Truth(
                any_of(*(all_of(condition, part.true) for condition, part in parts)),
                any_of(*(all_of(condition, part.false) for condition, part in parts)),
            )
        case Items(members, lazy):
            always = lazy or any(member.unless is False for member in members)
            return Truth(lazy or bool(members), not always)
        case Table(entries):
            return Truth(bool(entries), not entries)
        case Code():
            return Truth(True, False)
        case _:
            return Truth(True, True)


def is_scalar(value: object) -> bool:
    """Whether a value is a plain one that compares by ==; NaN does not."""
    return type(value) in SCALARS and value == value


def is_tame(value: object) -> bool:
    """Whether a constant is plain data."""
    if type(value) in CONTAINERS:
        return all(map(is_tame, (*value, *value.values()) if isinstance(value, dict) else value))  # type: ignore[call-overload]
    return type(value) in SCALARS


def members(value: Value) -> Sequence[Value] | None:
    """What a loop over a value that does not change goes through."""
    match value:
        case Const(tuple() | list() | set() | frozenset() | dict() as held) if (
            is_tame(held) and len(held) <= ELEMENTS_MAX
        ):
            return [Const(item) for item in held]
        case Items(found) if all(item.sure for item in found):
            return [item.value for item in found]
        case Table(entries):
            return [Const(key) for key in entries]
        case _:
            return None
