"""What methods of the event, of its values and of constants come to."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from types import FunctionType
from typing import Any, Literal

from headwater.detect.conditions import Condition, all_of, any_of
from headwater.detect.datamodel import FieldPath
from headwater.detect.event import ImmutableCaseInsensitiveDict, ImmutableList
from headwater.detect.prefilter.patterns import search
from headwater.detect.prefilter.values import (
    ANYTHING,
    TEXT,
    AnyText,
    Arguments,
    Const,
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
    is_scalar,
    is_tame,
    options,
)

MAPPING, LIST = ImmutableCaseInsensitiveDict, ImmutableList
UNSURE = Truth(True, True)
CHANGES = frozenset(("lower", "upper", "strip", "lstrip", "rstrip", "casefold", "title", "capitalize", "swapcase"))
ASKS = frozenset(("startswith", "endswith"))
PLAIN = frozenset(("replace", "removeprefix", "removesuffix", "split"))
How = Literal["startswith", "endswith"]


def method(frame: Frame, node: ast.Call, held: Value, name: str, given: Arguments) -> Result:
    """What `held.name(...)` comes to."""
    result: Result | None = None
    match held:
        case Event():
            result = _of_event(frame, node, held, name, given)
        case Read():
            result = _of_read(held, name, given)
        case Const(str()) | AnyText():
            result = _of_text(held, name, given)
        case Const(dict()) | Table():
            result = _of_mapping(held, name, given)
        case Const(re.Pattern() as pattern) if name in ("search", "match", "fullmatch") and len(given.plain) == 1:
            result = search(frame, node, pattern, given.plain[0])
        case _:
            pass
    return result or frame.stop(node, f"calls {ast.unparse(node.func)}(), which may raise or have side effects")


def _of_event(frame: Frame, node: ast.Call, event: Event, name: str, given: Arguments) -> Result | None:
    match name, given:
        case "get", Arguments((Const(str() as key), *rest), named) if len(rest) < 2 and not named:
            read, default = Read(key), rest[0] if rest else Const(None)
            return Result(_or_default(read, default, nulls=default != Const(None)))
        case "deep_get" | "deep_walk" | "udm", Arguments(plain, named) if plain and set(named) <= {
            "default",
            "return_val",
        }:
            keys = [key.value for key in plain if isinstance(key, Const) and isinstance(key.value, str)]
            default = named.get("default", Const(None))
            if len(keys) != len(plain) or ("return_val" in named and name != "deep_walk"):
                return None
            if name == "udm":
                return _udm(frame, node, keys, default) if event.udm else None
            return _deep(keys, default) if name == "deep_get" else _walk(keys, default)
        case "keys" | "values" | "items", Arguments((), named) if not named:
            return Result(ANYTHING)
        case _:
            return None


def _or_default(read: Read, default: Value, *, nulls: bool) -> Value:
    """The value of the row, or the default where it is absent; nulls: null is given where it is null."""
    found: list[tuple[Condition, Value]] = [(read.gone, default), (read.there, read)]
    return choice(*([(read.null, Const(None))] if nulls else []), *found)


def _deep(keys: Sequence[str], default: Value) -> Result:
    read = Read(keys[0], tuple(keys[1:]))
    walked = default if len(keys) == 1 or _stays(default) else ANYTHING  # a missing key is replaced and walked on
    return Result(_or_default(read, walked, nulls=False))


def _stays(default: Value) -> bool:
    """Whether walking on through a default gives the default itself."""
    return all(
        isinstance(value, AnyText | Truth | Items) or (isinstance(value, Const) and _is_no_mapping(value.value))
        for _, value in options(default)
    )


def _is_no_mapping(value: Any) -> bool:
    return is_tame(value) and not (isinstance(value, dict) and value)


def _walk(keys: Sequence[str], default: Value) -> Result:
    read = Read(keys[0])
    return Result(choice((True, default), (read.there, ANYTHING)), read.kind("mapping", "list"))


def _udm(frame: Frame, node: ast.Call, keys: Sequence[str], default: Value) -> Result:
    name, model = keys[0], frame.model
    if model is None or len(keys) > 1 or name not in model:
        given = _deep(keys, Const(None)).value
        return Result(choice((Read("p_udm").there, ANYTHING), (True, given), (True, default)))
    if name in model.methods:
        function = model.methods[name]
        if isinstance(function, FunctionType):
            return frame.inline(function, Arguments((Event(udm=False),)), node)
        return frame.stop(node, f"asks for {name}, which the data model takes from something else than a function")
    path: FieldPath = model.paths[name]
    steps = [step for step in path.steps if isinstance(step, str)]
    if len(steps) != len(path.steps):
        return frame.stop(node, f"asks for {name}, which the data model looks for in lists")
    read = Read(steps[0], tuple(steps[1:]))
    # The path of a data model is case-sensitive, so the default is possible everywhere.
    return Result(choice((read.gone, Const(None)), (True, default), (read.there, read)))


def _of_read(read: Read, name: str, given: Arguments) -> Result | None:
    no_text: Condition = False if read.via else read.not_kind("text")
    match name, given:
        case "get", Arguments((Const(str() as key), *rest), named) if len(rest) < 2 and not named and not read.via:
            default = rest[0] if rest else Const(None)
            return Result(_or_default(read.at(key), default, nulls=default != Const(None)), read.not_kind("mapping"))
        case "startswith" | "endswith", Arguments((Const(value),), named) if not named:
            texts = value if isinstance(value, tuple) else (value,)
            if all(isinstance(text, str) for text in texts):
                return Result(read.asks(name, *texts), no_text)
        case "startswith" | "endswith", Arguments((AnyText(),), named) if not named:
            return Result(UNSURE, no_text)
        case method, Arguments((), named) if method in CHANGES and not named:
            return Result(Read(read.key, read.inside, (*read.via, method)), no_text)
        case "keys" | "values" | "items", Arguments((), named) if not (named or read.via):
            return Result(ANYTHING, read.not_kind("mapping"))
        case "split", Arguments((Const(str() as separator),), named) if separator and not named:
            return Result(Split(read, separator), no_text)
        case _:
            pass
    return None


def _of_text(held: Value, name: str, given: Arguments) -> Result | None:
    plain = [value.value for value in given.plain if isinstance(value, Const) and is_tame(value.value)]
    known = len(plain) == len(given.plain) and not given.named
    if isinstance(held, Const) and known and name in CHANGES | ASKS | PLAIN:
        try:
            return Result(Const(getattr(held.value, name)(*plain)))
        except (TypeError, ValueError):
            return None
    if name in CHANGES and not given.plain and not given.named:
        return Result(TEXT)
    if name in ASKS and len(given.plain) == 1 and not given.named:
        return _asked_of_text(held, name, given.plain[0])
    if name == "split" and known and len(plain) == 1 and isinstance(plain[0], str) and plain[0]:
        return Result(ANYTHING)
    return None


def _asked_of_text(held: Value, name: str, argument: Value) -> Result | None:
    """`text.startswith(argument)` where it is not known what the two are."""
    if isinstance(held, AnyText) and name == "startswith" and isinstance(argument, Const):
        wanted = argument.value
        if isinstance(wanted, str) and not (held.prefix.startswith(wanted) or wanted.startswith(held.prefix)):
            return Result(Const(False))
    seen: list[Condition] = []
    for condition, value in options(argument):
        match value:
            case AnyText() | Const(str()):
                pass
            case Const(tuple() as texts) if all(isinstance(text, str) for text in texts):
                pass
            case Read():
                seen.append(all_of(condition, False if value.via else value.not_kind("text")))
            case _:
                return None
    return Result(UNSURE, any_of(*seen))


def _of_mapping(held: Value, name: str, given: Arguments) -> Result | None:
    entries = _entries(held)
    if entries is None or given.named:
        return None
    match name, given.plain:
        case "get", (key, *rest) if len(rest) < 2:
            found: list[tuple[Condition, Value]] = []
            seen: list[Condition] = []
            for condition, wanted in options(key):
                result = _looked_up(entries, wanted, rest[0] if rest else Const(None))
                if result is None:
                    return None
                found.append((condition, result.value))
                seen.append(all_of(condition, result.seen))
            return Result(choice(*found), any_of(*seen))
        case "keys", ():
            return Result(Items(tuple(Item(Const(key)) for key in entries)))
        case "values", ():
            return Result(Items(tuple(map(Item, entries.values()))))
        case "items", ():
            return Result(Items(tuple(Item(Items((Item(Const(key)), Item(value)))) for key, value in entries.items())))
        case _:
            return None


def _entries(held: Value) -> dict[Any, Value] | None:
    match held:
        case Table(entries):
            return dict(entries)
        case Const(dict() as constant) if all(map(is_scalar, constant)):
            return {key: Const(value) for key, value in constant.items()}
        case _:
            return None


def _looked_up(entries: dict[Any, Value], key: Value, default: Value) -> Result | None:
    match key:
        case Const(value) if is_scalar(value):
            return Result(entries.get(value, default))
        case Read():
            found = [(key.one_of(frozenset((one,))), value) for one, value in entries.items()]
            found.append((key.one_of(frozenset(entries), negated=True), default))
            return Result(choice(*found), False if key.via else key.kind("mapping", "list"))
        case AnyText():
            return Result(choice((True, default), *((True, value) for value in entries.values())))
        case _:
            return None
