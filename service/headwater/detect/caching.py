"""The module `panther_detection_helpers.caching`, over a cache of ours.

Expiry as detections give it: up to a week in seconds from now, anything larger as seconds since 1970.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from headwater.detect.cache import Cache, Change, Entry
from headwater.detect.event import json_encoder

NAME = "panther_detection_helpers.caching"
RELATIVE_S_MAX = 604_800
FUNCTIONS = (
    "get_string_set",
    "put_string_set",
    "add_to_string_set",
    "remove_from_string_set",
    "reset_string_set",
    "get_counter",
    "increment_counter",
    "reset_counter",
    "set_key_expiration",
    "put_dictionary",
    "get_dictionary",
    "evaluate_threshold",
    "check_account_age",
)
Expiry = int | float | str | None


def make_modules(cache: Cache, clock: Callable[[], float] = time.time) -> dict[str, ModuleType]:
    """The package and its module under their import names, bound to a cache."""
    package, module = ModuleType(NAME.partition(".")[0], __doc__), ModuleType(NAME, __doc__)
    bound = _Caching(cache, clock)
    vars(module).update({name: getattr(bound, name) for name in FUNCTIONS})
    vars(package).update(__path__=[], caching=module)
    return {package.__name__: package, module.__name__: module}


@dataclass(frozen=True, slots=True)
class _Caching:
    cache: Cache
    clock: Callable[[], float]

    def get_string_set(self, key: str, force_ttl_check: bool = False) -> set[str]:
        """The strings under a key. force_ttl_check: accepted; expired entries are never given."""
        return set(self._entry(key).strings)

    def put_string_set(self, key: str, val: Iterable[str], epoch_seconds: Expiry = None) -> None:
        """Keep these strings alone; none: forget them."""
        self._step(key, Change(strings=_strings(val), expires_at=self._end(epoch_seconds)))

    def add_to_string_set(self, key: str, val: str | Iterable[str]) -> set[str]:
        """The strings after some were added."""
        return set(self._step(key, Change(add=_strings(val))).strings)

    def remove_from_string_set(self, key: str, val: str | Iterable[str]) -> set[str]:
        """The strings after some were taken out."""
        return set(self._step(key, Change(remove=_strings(val))).strings)

    def reset_string_set(self, key: str) -> None:
        """Forget the strings."""
        self._step(key, Change(strings=frozenset()))

    def get_counter(self, key: str, force_ttl_check: bool = False) -> int:
        """The counter, 0 where there is none. force_ttl_check: accepted; expired entries are never given."""
        return self._entry(key).count

    def increment_counter(self, key: str, val: int = 1, epoch_seconds: Expiry = None) -> int:
        """The counter after adding."""
        return self._step(key, Change(by=int(val), expires_at=self._end(epoch_seconds))).count

    def reset_counter(self, key: str) -> None:
        """Set the counter to 0."""
        self._step(key, Change(count=0))

    def set_key_expiration(self, key: str, epoch_seconds: Expiry) -> None:
        """When all that is under a key is forgotten."""
        self._step(key, Change(expires_at=self._end(epoch_seconds)))

    def put_dictionary(self, key: str, val: Mapping[str, Any], epoch_seconds: Expiry = None) -> None:
        """Keep a mapping as JSON. Raises: TypeError for what JSON cannot write."""
        if not isinstance(val, Mapping):
            raise TypeError(f"put_dictionary needs a mapping, not {type(val).__name__}")
        self._step(key, Change(text=json.dumps(val, default=json_encoder), expires_at=self._end(epoch_seconds)))

    def get_dictionary(self, key: str, force_ttl_check: bool = False) -> dict[str, Any]:
        """The mapping; {} where there is none. force_ttl_check: accepted; expired entries are never given."""
        text = self._entry(key).text
        made: dict[str, Any] = json.loads(text) if text else {}
        return made

    def evaluate_threshold(self, key: str, threshold: int = 10, expiry_seconds: int = 3600) -> bool:
        """Whether this is the threshold-th call within the time since the first; then counting begins anew."""
        hits = self.increment_counter(key)
        if hits == 1:
            self.set_key_expiration(key, self.clock() + expiry_seconds)
        if hits < threshold:
            return False
        self.reset_counter(key)
        return True

    def check_account_age(self, key: Any) -> bool:
        """Whether something is known of the key: a non-empty text under which strings are kept."""
        return isinstance(key, str) and key != "" and bool(self._entry(key).strings)

    def _entry(self, key: str) -> Entry:
        return self.cache.read(_checked(key))

    def _step(self, key: str, step: Change) -> Entry:
        return self.cache.change(_checked(key), step)

    def _end(self, seconds: Expiry) -> float | None:
        if seconds is None:
            return None
        value = float(seconds)
        return value if value > RELATIVE_S_MAX else self.clock() + value


def _checked(key: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a cache key is text, not {type(key).__name__}")
    return key


def _strings(value: str | Iterable[str]) -> frozenset[str]:
    found = frozenset((value,) if isinstance(value, str) else value)
    wrong = next((each for each in found if not isinstance(each, str)), None)
    if wrong is not None:
        raise TypeError(f"a string set holds texts, not {type(wrong).__name__}")
    return found
