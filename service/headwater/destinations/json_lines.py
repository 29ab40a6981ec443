"""Alerts appended to a local file, one JSON object a line."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import orjson

from headwater.destinations.message import Message, message_json


class JsonLines:
    """A file of alerts; each line carries its idempotency key, so that a reader can drop a repeated one."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message: Message) -> None:
        """Append one line."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = orjson.dumps(message_json(message), option=orjson.OPT_APPEND_NEWLINE)
        with _locked(self._path) as file:
            file.write(line)


def remove_account(path: Path, account_id: str, *, dry_run: bool = False) -> int:
    """Take the alerts of an account out of such a file, and those about several accounts that name it; how many."""
    if not path.exists():
        return 0
    with _locked(path) as file:
        file.seek(0)
        lines = file.readlines()
        left = [line for line in lines if not _concerns(line, account_id)]
        if len(left) < len(lines) and not dry_run:
            new = path.with_name(f"{path.name}.new")
            new.write_bytes(b"".join(left))
            new.chmod(path.stat().st_mode)
            new.replace(path)
    return len(lines) - len(left)


def _concerns(line: bytes, account_id: str) -> bool:
    if account_id.encode() not in line:
        return False
    try:
        alert = orjson.loads(line)
    except orjson.JSONDecodeError:  # cut short by a full disk
        return True
    return not isinstance(alert, dict) or alert.get("account_id") in ("", None, account_id)


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """The file, ours until the end; opened again where another process has put a new one into its place."""
    while True:
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                yield file
                return
