"""A local AWS for the session; a world of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.demo.aws_server import LocalAws, start
from support.world import World, make_world

NAMES = itertools.count()


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with start() as local:
        yield local


@pytest.fixture
def world(aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> World:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    return make_world(tmp_path, next(NAMES), monkeypatch, getattr(request, "param", None))
