"""The event that detections read: three read-only containers over plain JSON values.

Class names and behaviour are part of the contract with detections: they appear in titles (repr) and in error messages.
Values are wrapped when they are read, never before: most rules look at two keys of a row.
"""

from __future__ import annotations

import functools
from collections.abc import ItemsView, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, overload

_ABSENT: Any = object()
_new = object.__new__
CACHED_KEYS_MAX = 256  # wider mappings are rare; their key tuples would fill the cache


class PantherError(Exception):
    """What the event raises for a misuse that is no plain Python error; the name is the contract's."""


class Model(Protocol):
    """What `udm` needs of a data model."""

    def __contains__(self, name: object, /) -> bool:
        """Whether the model maps this name."""

    def find(self, name: str, raw: Mapping[str, Any]) -> tuple[bool, Any]:
        """Whether the mapping found something in the row, and what."""

    def path_of(self, name: str, raw: Mapping[str, Any]) -> str | None:
        """The dotted path a mapping found, or the name of its method."""


def wrap(value: Any) -> Any:
    """The read-only view of a dict or list; anything else as it is."""
    kind = type(value)
    if kind is str:  # nearly all values are; this is the hottest line of all detections
        return value
    if kind is dict:
        wrapped = _new(ImmutableCaseInsensitiveDict)  # what the constructor would do, without its checks
        wrapped._container = value
        wrapped._lower = None
        return wrapped
    if isinstance(value, dict):
        return ImmutableCaseInsensitiveDict(value)
    if kind is list or isinstance(value, list):
        return ImmutableList(value)
    return value


def plain(value: Any) -> Any:
    """A deep, mutable copy without any container of ours."""
    if type(value) is str:
        return value
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    if isinstance(value, ImmutableCaseInsensitiveDict | ImmutableList):
        return value.copy()
    return value


def json_encoder(value: Any) -> Any:
    """A `default=` hook for json.dumps that writes event containers as plain JSON."""
    if isinstance(value, ImmutableCaseInsensitiveDict | ImmutableList):
        return value.copy()
    raise TypeError(f"object of type {type(value)} is not JSON serializable")


@functools.lru_cache(maxsize=2048)
def _lower_keys(keys: tuple[Any, ...]) -> dict[Any, Any]:
    lowered: dict[Any, Any] = {}
    for key in keys:
        lowered.setdefault(key.lower() if isinstance(key, str) else key, key)
    return lowered


def _lower_map(data: Mapping[Any, Any]) -> dict[Any, Any]:
    if len(data) > CACHED_KEYS_MAX:
        return _lower_keys.__wrapped__(tuple(data))
    return _lower_keys(tuple(data))  # rows of one log type share their keys, so this is one hash and one probe


class ImmutableCaseInsensitiveDict(Mapping[Any, Any]):
    """A read-only mapping: the exact key first, then the first key that differs only in case."""

    __slots__ = ("_container", "_lower")

    def __init__(self, container: Mapping[Any, Any]) -> None:
        raw = container._container if isinstance(container, ImmutableCaseInsensitiveDict) else container
        self._container: dict[Any, Any] = raw if isinstance(raw, dict) else dict(raw)
        self._lower: dict[Any, Any] | None = None

    def _other(self, key: Any) -> Any:
        """The value of the first key that differs only in case."""
        lowered = key.lower()
        if self._lower is None:
            self._lower = _lower_map(self._container)
        found = self._lower.get(lowered, _ABSENT)
        return _ABSENT if found is _ABSENT else self._container[found]

    def __getitem__(self, key: Any) -> Any:
        value = self._container.get(key, _ABSENT)
        if value is _ABSENT:
            value = self._other(key)
            if value is _ABSENT:
                raise KeyError(key)
        return wrap(value)

    def get(self, key: Any, default: Any = None) -> Any:
        """The value, None where null is present, or the default where the key is absent."""
        value = self._container.get(key, _ABSENT)
        if value is _ABSENT:
            value = self._other(key)
            if value is _ABSENT:
                return default
        return value if type(value) is str else wrap(value)

    def __contains__(self, key: Any) -> bool:
        return key in self._container or self._other(key) is not _ABSENT

    def __iter__(self) -> Iterator[Any]:
        return iter(self._container)

    def items(self) -> _Items:
        """The keys with their values, wrapped as they are read."""
        return _Items(self)

    def __len__(self) -> int:
        return len(self._container)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ImmutableCaseInsensitiveDict):
            return self._container == other._container
        if isinstance(other, Mapping):
            return self._container == other
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # unhashable, as a dict is

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._container!r})"

    def raw_view(self) -> dict[Any, Any]:
        """The row in plain dicts and lists; a copy, as what one rule changes must not be seen by the next."""
        return self.copy()

    def copy(self) -> dict[Any, Any]:
        """A deep, mutable copy in plain dicts and lists."""
        return {key: plain(value) for key, value in self._container.items()}

    to_dict = copy

    def deep_get(self, *keys: Any, default: Any = None) -> Any:
        """The value at a path of keys through mappings; default for null and for what is not there.

        A missing key on the way is replaced by `default`, which is then walked on: part of the contract.
        """
        value: Any = self
        for key in keys:
            if type(value) is not ImmutableCaseInsensitiveDict and not isinstance(value, Mapping):
                return default
            value = value.get(key, default)
        return default if value is None else value

    def deep_walk(self, *keys: str, default: Any = None, return_val: str = "all") -> Any:
        """Plain values at a path through mappings and lists; several distinct ones come as a list, in order."""
        return plain(_walk(self._container, keys, default, return_val))


class _Items(ItemsView[Any, Any]):
    """The items of a mapping without looking each key up again."""

    _mapping: ImmutableCaseInsensitiveDict

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for key, value in self._mapping._container.items():
            yield key, value if type(value) is str else wrap(value)


class ImmutableList(Sequence[Any]):
    """A read-only list; equal to a list or tuple of the same content."""

    __slots__ = ("_container",)

    def __init__(self, container: Sequence[Any]) -> None:
        self._container: tuple[Any, ...] = tuple(
            container._container if isinstance(container, ImmutableList) else container
        )

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        value = self._container[index]
        return tuple(plain(item) for item in value) if isinstance(index, slice) else wrap(value)

    def __iter__(self) -> Iterator[Any]:
        return map(wrap, self._container)

    def __len__(self) -> int:
        return len(self._container)

    def __contains__(self, value: object) -> bool:
        return value in self._container

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ImmutableList):
            return self._container == other._container
        if isinstance(other, list | tuple):
            return self._container == tuple(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # unhashable, as a list is

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._container!r})"

    def copy(self) -> list[Any]:
        """A deep, mutable copy in plain dicts and lists."""
        return [plain(value) for value in self._container]

    as_list = copy

    def raw_view(self) -> tuple[Any, ...]:
        """The values in plain dicts and lists; copies."""
        return tuple(self.copy())


class PantherEvent(ImmutableCaseInsensitiveDict):
    """One row, as rules see it."""

    __slots__ = ("model",)

    json_encoder = staticmethod(json_encoder)

    def __init__(self, container: Mapping[Any, Any], data_model: Model | None = None) -> None:
        super().__init__(container)
        self.model = data_model

    def udm(self, *keys: Any, default: Any = None) -> Any:
        """The value under a name of the data model; a name the model does not map is read from the row itself."""
        if not keys:
            return default
        if self.model is not None and len(keys) == 1 and keys[0] in self.model:
            found, value = self.model.find(keys[0], self._container)
            return wrap(value) if found else default
        return self.deep_get("p_udm", *keys) or self.deep_get(*keys) or default

    def udm_path(self, key: str) -> str | None:
        """The dotted path behind a data-model name, its method's name, or None."""
        if self.model is None:
            log_type = self._container.get("p_log_type")
            raise PantherError(f"a data model hasn't been specified for log type: {log_type}")
        return self.model.path_of(key, self._container)

    def lookup(self, table: str, key: Any) -> Any:
        """The row of a lookup table that enriched this event: under a selector, or by the value that matched.

        None without one. Only values that a selector of the table finds in events are looked up.
        """
        for source in ("_mocked_lookup_data_", "p_enrichment"):
            tables = self._container.get(source)
            rows = tables.get(table) if isinstance(tables, dict) else None
            if isinstance(rows, dict):
                found = rows[key] if key in rows else _with_match(rows, key)
                if found is not None:
                    return wrap(found)
        return None

    def event_time_epoch(self, force_utc: bool = True) -> int:
        """Whole seconds since 1970 of p_event_time, 0 without one; naive times are UTC unless force_utc=False."""
        text = self._container.get("p_event_time")
        if not text:
            return 0
        moment = datetime.fromisoformat(_without_fraction(str(text)))
        if moment.tzinfo is None and force_utc:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp())


def _with_match(rows: Mapping[str, Any], value: Any) -> Any:
    """The first of the rows, which stand alone or in lists, that matched a value."""
    for found in rows.values():
        for row in found if isinstance(found, list) else (found,):
            if isinstance(row, dict) and row.get("p_match") == value:
                return row
    return None


def _without_fraction(text: str) -> str:
    head, dot, tail = text.partition(".")
    return head + tail.lstrip("0123456789") if dot else text


def _walk(value: Any, keys: Sequence[str], default: Any, return_val: str) -> Any:
    if not keys:
        return default if value is None or _hollow(value) else value
    if isinstance(value, Mapping):
        child = value.get(keys[0])
        return default if child is None else _walk(child, keys[1:], default, return_val)
    if isinstance(value, list | tuple):
        return _chosen(_distinct(value, keys, default, return_val), default, return_val)
    return default


def _distinct(items: Sequence[Any], keys: Sequence[str], default: Any, return_val: str) -> list[Any]:
    found: dict[Any, None] = {}
    for item in items:
        value = _walk(item, keys, default, return_val)
        if isinstance(value, list | tuple):
            found.update(dict.fromkeys(value))
        elif value is not None:
            found[value] = None
    return list(found)


def _chosen(found: list[Any], default: Any, return_val: str) -> Any:
    if not found:
        return default
    if return_val == "first":
        return found[0]
    if return_val == "last":
        return found[-1]
    if return_val != "all":
        return "all"
    return found[0] if len(found) == 1 else found


def _hollow(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(_hollow(item) for item in value)
