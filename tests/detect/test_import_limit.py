"""A module that never ends importing is stopped, and no other."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from headwater.detect.import_limit import imports_limited
from headwater.detect.load import load_pack

FIRES = "def rule(event):\n    return True\n"


@pytest.mark.parametrize(
    "endless",
    [
        "while True: pass\n",
        "while True:\n    try:\n        while True: pass\n    except Exception: pass\n",
        "import time\ntime.sleep(3600)\n",
    ],
    ids=["loop", "loop that catches exceptions", "sleep"],
)
def test_import_that_never_ends_is_the_setup_error_of_its_detection(write: Any, rule_yaml: Any, endless: str) -> None:
    folder = write({"a.yml": rule_yaml("A", "a.py"), "a.py": endless, "b.yml": rule_yaml("B", "b.py"), "b.py": FIRES})

    with imports_limited(0.2):
        pack = load_pack([folder])

    errors = {one.rule_id: type(one.subject.setup_error).__name__ for one in pack.detections}
    assert errors == {"A": "ImportTimeout", "B": "NoneType"}


def test_timer_and_handler_are_as_before() -> None:
    before = signal.getsignal(signal.SIGALRM)

    with imports_limited(60):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0

    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)) == (before, (0.0, 0.0))
