"""The process environment of the demonstration: everything AWS points at the local one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def aws_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Replace all AWS_ variables of this process, so that no real account can be reached; put them back at the end."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
