"""AWS as a script for every test of this area."""

from __future__ import annotations

import pytest

from support.wire import Wire, connect


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return connect(monkeypatch)
