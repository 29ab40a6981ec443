"""One local AWS for all tests of the demonstration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headwater.demo.aws_server import LocalAws, start


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with start(pending_subscriptions=True) as server:
        yield server
