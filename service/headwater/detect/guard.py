"""A process in which detections run: without credentials, network, other programs or files to write.

`lock_down()` cannot be undone: call it in a process that is there for detections alone, before any of them is
imported. It stops honest mistakes and ordinary Python; `kernel.confine` adds what the operating system can hold.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

KEPT = frozenset(("PATH", "LANG", "LANGUAGE", "TZ", "SYSTEMROOT"))
KEPT_PREFIXES = ("LC_", "PYTHON")
SYSTEM_FILES = ("/usr/share/zoneinfo", "/usr/lib", "/lib", "/lib64", "/etc/localtime", "/etc/mime.types")
DEVICES = frozenset(("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"))
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

NETWORK, PROGRAMS, FILES = "reach the network", "run other programs or send signals", "write or change files"
THREADS, NATIVE = "start threads or processes", "load native code or change the guard"
# Audit event → what it is; https://docs.python.org/3/library/audit_events.html
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "socket.connect",
                "socket.bind",
                "socket.sendto",
                "socket.sendmsg",
                "socket.getaddrinfo",
                "socket.gethostbyname",
                "socket.gethostbyaddr",
                "socket.getnameinfo",
            ),
            NETWORK,
        ),
        **dict.fromkeys(
            (
                "subprocess.Popen",
                "os.system",
                "os.exec",
                "os.spawn",
                "os.posix_spawn",
                "os.kill",
                "os.killpg",
                "os.startfile",
                "pty.spawn",
                "signal.pthread_kill",
                "syslog.openlog",
            ),
            PROGRAMS,
        ),
        **dict.fromkeys(
            ("os.fork", "os.forkpty", "_thread.start_new_thread", "_thread.start_joinable_thread"), THREADS
        ),
        **dict.fromkeys(
            (
                "os.chmod",
                "os.chown",
                "os.chflags",
                "os.link",
                "os.mkdir",
                "os.remove",
                "os.removexattr",
                "os.rename",
                "os.rmdir",
                "os.setxattr",
                "os.symlink",
                "os.truncate",
                "os.utime",
                "sqlite3.connect",
            ),
            FILES,
        ),
        **dict.fromkeys(
            (
                "ctypes.dlopen",
                "ctypes.dlsym",
                "ctypes.dlsym/handle",
                "ctypes.call_function",
                "ctypes.cdata",
                "ctypes.string_at",
                "sys.addaudithook",
                "resource.setrlimit",
                "resource.prlimit",
            ),
            NATIVE,
        ),
    }
)


class DetectionDenied(PermissionError):
    """A detection tried what detections may not do."""

    def __init__(self, what: str, event: str, subject: object = "") -> None:
        shown = f" {subject}" if subject != "" else ""
        super().__init__(f"detections may not {what} ({event}{shown})")


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that detections may see: no credentials, no addresses of credentials, no settings of ours."""
    return {name: value for name, value in environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}


def lock_down(readable: Iterable[Path] = ()) -> None:
    """From now on this process opens no connection, no program and no file to write, and its environment is scrubbed.

    readable: folders and files that may be read besides Python's own: those of the detections.
    What is refused raises DetectionDenied, a PermissionError. It holds for the whole process and cannot be undone;
    what is open already (pipes, sockets, files) goes on working.
    """
    for name in os.environ.keys() - scrubbed(os.environ).keys():
        del os.environ[name]
    sys.dont_write_bytecode = True
    roots = readable_roots(readable)
    refused, realpath = dict(REFUSED), os.path.realpath

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        what = refused.get(event)
        if what is not None:
            raise DetectionDenied(what, event, _subject(arguments))
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, int):
                return
            real = realpath(os.fsdecode(path))
            if real in DEVICES:
                return
            if flags is not None and flags & WRITES:
                raise DetectionDenied(FILES, event, real)
            if not any(real == root or real.startswith(root + os.sep) for root in roots):
                raise DetectionDenied("read files outside their folder", event, real)

    sys.addaudithook(hook)


def readable_roots(readable: Iterable[Path] = ()) -> tuple[str, ...]:
    """The files and folders that stay readable: Python's, the system's libraries and time zones, and the given ones."""
    current = os.getcwd()
    imports = [path for path in sys.path if os.path.isabs(path) and path != current]
    ours = str(Path(__file__).parents[1])
    found = [sys.prefix, sys.base_prefix, ours, *imports, *SYSTEM_FILES, *map(str, readable)]
    return tuple(dict.fromkeys(path for path in map(os.path.realpath, found) if path != os.sep))


def _subject(arguments: tuple[Any, ...]) -> object:
    """What the refused call was about, as far as it can be told in a line."""
    return next((each for each in arguments if isinstance(each, str | bytes | int | tuple)), "")
