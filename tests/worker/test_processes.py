"""The supervisor of the worker processes, with real processes that do next to nothing."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from headwater.worker.processes import EXIT_CONFIG, EXIT_FAILED, Stopper, Supervisor, cores

STOP_ME = "os.kill(os.getppid(), signal.SIGTERM)"  # the supervisor is this process


def supervisor(script: str, count: int = 1, **options: object) -> Supervisor:
    """A supervisor of children that run a script; their number is sys.argv[1]."""
    defaults = {"stop_timeout_s": 30.0}
    return Supervisor([sys.executable, "-c", script], count, **{**defaults, **options})  # type: ignore[arg-type]


def test_child_that_dies_is_started_again_and_told_of(tmp_path: Path) -> None:
    script = f"""
import os, pathlib, signal, sys
marker = pathlib.Path({str(tmp_path)!r}) / "died"
if not marker.exists():
    marker.touch()
    os.kill(os.getpid(), signal.SIGKILL)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
{STOP_ME}
sys.stdin.read()
"""
    dead: list[int] = []

    code = supervisor(script, on_death=dead.append).run()

    assert code == 0
    assert len(dead) == 2  # the one that died, and its successor that was stopped


def test_signal_is_passed_on_to_every_child(tmp_path: Path) -> None:
    script = f"""
import os, pathlib, signal, sys
folder = pathlib.Path({str(tmp_path)!r})
def stop(number, frame):
    (folder / f"stopped-{{sys.argv[1]}}").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
(folder / f"up-{{sys.argv[1]}}").touch()
if len(list(folder.glob("up-*"))) == 3:
    {STOP_ME}
sys.stdin.read()
"""

    code = supervisor(script, 3).run()

    assert code == 0
    assert sorted(path.name for path in tmp_path.glob("stopped-*")) == ["stopped-0", "stopped-1", "stopped-2"]


def test_child_that_does_not_stop_is_killed_when_the_time_is_over() -> None:
    script = f"import os, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); {STOP_ME}; sys.stdin.read()"
    dead: list[int] = []

    code = supervisor(script, stop_timeout_s=0.3, on_death=dead.append).run()

    assert code == EXIT_FAILED
    assert len(dead) == 1


def test_second_signal_ends_everything_at_once() -> None:
    script = f"""
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: {STOP_ME})
{STOP_ME}
while sys.stdin.read(1): pass
"""

    code = supervisor(script, stop_timeout_s=3600.0).run()  # the test's own time-out is far shorter

    assert code == EXIT_FAILED


def test_wrong_configuration_is_not_tried_again() -> None:
    script = f"import sys; sys.exit({EXIT_CONFIG}) if sys.argv[1] == '0' else sys.stdin.read()"

    assert supervisor(script, 2).run() == EXIT_CONFIG


def test_once_ends_when_every_child_has_ended_well() -> None:
    assert supervisor("import sys", 3, once=True).run() == 0


def test_once_gives_up_a_child_that_dies_again_and_again() -> None:
    ticks = iter(range(0, 10**9, 1000))

    assert supervisor("import sys; sys.exit(7)", once=True, clock=lambda: next(ticks) / 1e2).run() == EXIT_FAILED


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"cpu.max": "100000 100000"}, 1, id="one core"),
        pytest.param({"cpu.max": "50000 100000"}, 1, id="half a core"),
        pytest.param({"cpu.max": "max 100000"}, None, id="no limit"),
        pytest.param({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1, id="version 1"),
        pytest.param({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None, id="version 1, no limit"),
        pytest.param({}, None, id="no cgroup"),
    ],
)
def test_cores_are_those_of_the_cgroup_where_it_has_a_limit(
    tmp_path: Path, files: dict[str, str], expected: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert cores(tmp_path) == (expected or len(os.sched_getaffinity(0)))


def stopper(timeout_s: float, told: list[str], ended: threading.Event | None = None) -> Stopper:
    def leave(code: int) -> None:
        told.append(f"left with {code}")
        if ended is not None:
            ended.set()

    return Stopper(lambda: told.append("asked"), lambda: told.append("gave back"), timeout_s, leave)


def test_first_signal_asks_and_second_leaves_at_once() -> None:
    told: list[str] = []
    one = stopper(3600.0, told)

    one.stop(signal.SIGTERM)
    one.stop(signal.SIGTERM)

    assert told == ["asked", f"left with {128 + signal.SIGTERM}"]


def test_stop_that_takes_too_long_gives_back_what_is_in_hand() -> None:
    told: list[str] = []
    ended = threading.Event()

    stopper(0.01, told, ended).stop()

    assert ended.wait(30)
    assert told == ["asked", "gave back", f"left with {EXIT_FAILED}"]


def test_child_stops_when_its_parent_is_gone() -> None:
    asked = threading.Event()
    ours, theirs = os.pipe()
    Stopper(asked.set, lambda: None, 3600.0, lambda code: None).watch_parent(ours)

    os.close(theirs)

    assert asked.wait(30)
