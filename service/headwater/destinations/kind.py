"""The kinds of destination there are: one module each in the folder `kinds`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from headwater.destinations import kinds
from headwater.destinations.destination import Destination

ResolveSecret = Callable[[str], str]  # reference → secret; raises DeliveryFailed


class Config(BaseModel):
    """What a person writes about one destination; each kind adds its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)  # it may be a secret, misplaced


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of destination, such as `slack`.

    config_model: validates what stands in the file.  make: (name, config, resolve_secret) → destination; it asks nobody
    anything: secrets are resolved when an alert is sent, so that a new one is taken up without a restart.
    """

    name: str
    summary: str
    config_model: type[Config]
    make: Callable[[str, Any, ResolveSecret], Destination]


def load_kinds() -> Mapping[str, Kind]:
    """Every kind by its name, which is its module's."""
    return {module.name: _kind(module.name) for module in pkgutil.iter_modules(kinds.__path__)}


def _kind(name: str) -> Kind:
    module = importlib.import_module(f"{kinds.__name__}.{name}")
    summary = (module.__doc__ or "").strip().splitlines()[0]
    return Kind(name, summary, module.Settings, module.make)
