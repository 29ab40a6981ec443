"""Alerts appended to a local file, one JSON object a line."""

from __future__ import annotations

from pathlib import Path

import orjson

from headwater.destinations.destination import alert_json
from headwater.model import Alert


class JsonLines:
    """A file of alerts; each line carries its idempotency key, so that a reader can drop a repeated one."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, alert: Alert, idempotency_key: str) -> None:
        """Append one line."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = orjson.dumps({"idempotency_key": idempotency_key, **alert_json(alert)}, option=orjson.OPT_APPEND_NEWLINE)
        with self._path.open("ab") as file:
            file.write(line)
