"""What the YAML of a lookup table says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.errors import ConfigError
from headwater.schema.logtype import Route

PERIOD_MIN_LEAST = 1
PERIOD_MIN_DEFAULT = 60
ALARM_MIN_DEFAULT = 1440  # also the most that Panther's AlarmPeriodMinutes may be
STEP = re.compile(r"""\.?(?:(?P<name>[^.\[\]]+)|\[\*\]|\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\])""")


@dataclass(frozen=True, slots=True)
class Selector:
    """Where in an event a value is looked up: a field, `$.a.b`, or a p_any_ array.

    key: the name under which p_enrichment has what was found: the path without `$.`.
    """

    text: str
    key: str
    route: Route

    @classmethod
    def of(cls, text: str) -> Selector:
        """Raises: ValueError for a text that is no path."""
        rest = text.removeprefix("$")
        key = rest.removeprefix(".")
        route: list[str] = []
        position = 0
        for step in STEP.finditer(rest):
            if step.start() != position:
                break
            position = step.end()
            name = step["name"] or step["quoted"]
            route += [name] if name else []
        if not route or position != len(rest):
            raise ValueError(f"{text!r} is no field name and no path like $.a.b")
        return cls(text, key, tuple(route))


@dataclass(frozen=True, slots=True)
class Refresh:
    """Where a table's data is fetched again and again. url: s3://…; empty for a table made by a query."""

    url: str
    period_min: int
    alarm_min: int
    role_arn: str | None = None
    kms_key: str | None = None


@dataclass(frozen=True, slots=True)
class LookupSpec:
    """One lookup table. selectors: by log type. path: its data, beside the YAML. query: SQL over the lake."""

    name: str
    file: Path
    enabled: bool
    primary_key: str
    selectors: Mapping[str, tuple[Selector, ...]]
    schema: str = ""
    path: Path | None = None
    refresh: Refresh | None = None
    query: str = ""
    description: str = field(default="", compare=False)

    @property
    def origin(self) -> str:
        """Where the data comes from, for people."""
        if self.path is not None:
            return str(self.path)
        return self.refresh.url if self.refresh and self.refresh.url else "query"


def read_spec(data: Mapping[str, Any], file: Path, root: Path) -> LookupSpec:
    """The table that one YAML document describes. root: the folder of the pack; its data lies inside.

    Raises: ConfigError.
    """
    reader = _Reader(data, file)
    mapping = reader.mapping("LogTypeMap", data)
    return LookupSpec(
        name=reader.text("LookupName", data),
        file=file,
        enabled=data.get("Enabled") is True,
        primary_key=reader.text("PrimaryKey", mapping),
        selectors=dict(reader.selectors(mapping.get("AssociatedLogTypes"))),
        schema=str(data.get("Schema") or ""),
        path=reader.path(root),
        refresh=reader.refresh() if data.get("Refresh") is not None else None,
        query=str(data.get("Query") or ""),
        description=str(data.get("Description") or "").strip(),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    data: Mapping[str, Any]
    file: Path

    def wrong(self, key: str, message: str) -> ConfigError:
        return ConfigError.one(self.file, message, key=key)

    def mapping(self, key: str, inside: Mapping[str, Any]) -> Mapping[str, Any]:
        value = inside.get(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "must be a mapping")
        return value

    def text(self, key: str, inside: Mapping[str, Any]) -> str:
        value = inside.get(key)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "must be a text")
        return value

    def minutes(self, key: str, inside: Mapping[str, Any], default: int) -> int:
        value = inside.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < PERIOD_MIN_LEAST:
            raise self.wrong(f"Refresh.{key}", "must be a number of minutes")
        return value

    def path(self, root: Path) -> Path | None:
        """The file of the table's data. Raises: ConfigError where it lies outside the pack."""
        name = self.data.get("Filename")
        if not isinstance(name, str) or not name:
            return None
        path = (self.file.parent / name).resolve()
        if not path.is_relative_to(root.resolve()):
            raise self.wrong("Filename", f"{name!r} is no file inside {root}")
        return path

    def refresh(self) -> Refresh:
        given = self.mapping("Refresh", self.data)
        url = str(given.get("ObjectPath") or "")
        if not (url.startswith("s3://") if url else self.data.get("Query")):
            raise self.wrong("Refresh.ObjectPath", "must be an s3:// URL")
        return Refresh(
            url,
            self.minutes("PeriodMinutes", given, PERIOD_MIN_DEFAULT),
            self.minutes("AlarmPeriodMinutes", given, ALARM_MIN_DEFAULT),
            str(given["RoleARN"]) if given.get("RoleARN") else None,
            str(given["ObjectKMSKey"]) if given.get("ObjectKMSKey") else None,
        )

    def selectors(self, entries: Any) -> Iterator[tuple[str, tuple[Selector, ...]]]:
        key = "LogTypeMap.AssociatedLogTypes"
        if not isinstance(entries or [], list):
            raise self.wrong(key, "must be a list of {LogType, Selectors}")
        for number, entry in enumerate(entries or ()):
            texts = entry.get("Selectors") if isinstance(entry, dict) else None
            if not isinstance(texts, list) or not isinstance(entry.get("LogType"), str):
                raise self.wrong(f"{key}.{number}", "must have a LogType and a list of Selectors")
            try:
                yield entry["LogType"], tuple(Selector.of(str(text)) for text in dict.fromkeys(texts))
            except ValueError as error:
                raise self.wrong(f"{key}.{number}.Selectors", str(error)) from error
