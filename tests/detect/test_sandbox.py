"""Rules that break things hurt only themselves: in each case the other rules' matches are complete."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from headwater.detect.budget import Limits
from headwater.detect.cache import Change, Entry, MemoryCache
from headwater.detect.engine import Engine
from headwater.detect.load import builtin_path, load_pack
from headwater.detect.packs import Selection
from headwater.detect.sandbox import Sandbox
from headwater.errors import DetectionError, DetectionsUnavailable, StateUnavailable
from headwater.model import Match

Write = Callable[[Mapping[str, str]], Path]
BatchOf = Callable[..., Any]
RuleYaml = Callable[..., str]
Start = Callable[..., Sandbox]
ON_A = "def rule(event):\n    return event.get('k') == 'a'\n"
LIMITS = Limits(call_s=0.2, batch_s=5.0, hard_s=1.0, memory_mib=1024)
ROWS = [{"k": "a"}, {"k": "b"}, {"k": "a"}]


@pytest.fixture
def start(write: Write, rule_yaml: RuleYaml) -> Iterator[Start]:
    """Starts a sandbox of the rules A and Z, which match where k is a, with a rule M between them."""
    started: list[Sandbox] = []

    def make(python: str = ON_A, files: Mapping[str, str] | None = None, **options: Any) -> Sandbox:
        rules = {"A": ON_A, "M": textwrap.dedent(python), "Z": ON_A}
        yaml = {f"{name}.yml": rule_yaml(name, f"{name}.py") for name in rules}
        folder = write({**yaml, **{f"{name}.py": text for name, text in rules.items()}, **(files or {})})
        made = Sandbox(Selection({"pack": folder}), **{"limits": LIMITS, **options})
        started.append(made)
        return made

    yield make
    for each in started:
        each.close()


def of(matches: tuple[Match, ...], rule_id: str) -> list[tuple[str, int]]:
    """Kind and row of a rule's matches."""
    return [(match.kind, int(match.row_id, 16)) for match in matches if match.rule_id == rule_id]


def assert_others_are_complete(matches: tuple[Match, ...]) -> None:
    assert of(matches, "A") == of(matches, "Z") == [("RULE", 0), ("RULE", 2)]


@pytest.mark.parametrize(
    ("python", "error", "text"),
    [
        pytest.param("def rule(event):\n    raise ValueError('x')\n", "ValueError", "x at M.py:2", id="raises"),
        pytest.param("import sys\ndef rule(event):\n    sys.exit(3)\n", "SystemExit", "3 at M.py:3", id="sys_exit"),
        pytest.param("def rule(event):\n    return 1\n", "FunctionReturnTypeError", "expected [bool]", id="no_bool"),
        pytest.param("def rule(event):\n    while True: pass\n", "RuleTimeout", "0.2 s at M.py:2", id="endless"),
        pytest.param(
            "import time\ndef rule(event):\n    time.sleep(3600)\n", "RuleTimeout", "0.2 s at M.py:3", id="sleeps"
        ),
        pytest.param(
            "import re\ndef rule(event):\n    return bool(re.match('(a+)+$', 'a' * 60 + 'b'))\n",
            "RuleTimeout",
            "0.2 s at M.py:3",
            id="regex",
        ),
        pytest.param("def rule(event):\n    return rule(event)\n", "RecursionError", "at M.py:2", id="recursion"),
        pytest.param(
            "def rule(event):\n    return bool(bytearray(10 << 30))\n", "MemoryError", "at M.py:2", id="memory"
        ),
        pytest.param(
            "import socket\ndef rule(event):\n    socket.create_connection(('127.0.0.1', 9))\n",
            "DetectionDenied",
            "may not reach the network",
            id="network",
        ),
        pytest.param(
            "import subprocess\ndef rule(event):\n    subprocess.run(['true'])\n",
            "DetectionDenied",
            "may not run other programs",
            id="program",
        ),
        pytest.param(
            "import ctypes\ndef rule(event):\n    ctypes.string_at(0)\n", "DetectionDenied", "native code", id="native"
        ),
        pytest.param(
            "def rule(event):\n    open('made', 'w')\n", "DetectionDenied", "may not write or change files", id="write"
        ),
        pytest.param(
            "import os\ndef rule(event):\n    os.environ['AWS_SECRET_ACCESS_KEY']\n",
            "KeyError",
            "AWS_SECRET_ACCESS_KEY",
            id="credentials",
        ),
    ],
)
def test_a_rule_that_breaks_is_told_as_its_error_on_each_row(
    start: Start, batch_of: BatchOf, monkeypatch: pytest.MonkeyPatch, python: str, error: str, text: str
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    matches = start(python).detect(batch_of(ROWS))

    assert_others_are_complete(matches)
    assert of(matches, "M") == [("RULE_ERROR", 0), ("RULE_ERROR", 1), ("RULE_ERROR", 2)]
    assert {match.dedup for match in matches if match.rule_id == "M"} == {error}
    assert all(text in match.description for match in matches if match.rule_id == "M")


@pytest.mark.parametrize(
    ("python", "error", "text"),
    [
        pytest.param(
            """
            def spin():
                while True: pass
            def rule(event):
                while True:
                    try: spin()
                    except BaseException: pass
            """,
            "RuleHung",
            "did not come back within 1 s",
            id="swallows_its_time_limit",
        ),
        pytest.param(
            "import itertools\ndef rule(event):\n    return all(itertools.repeat(True))\n",
            "RuleHung",
            "did not come back",
            id="blocks_in_c",
        ),
        pytest.param("import os\ndef rule(event):\n    os._exit(0)\n", "RuleCrashed", "exit code 0", id="os_exit"),
        pytest.param(
            "import signal\ndef rule(event):\n    signal.raise_signal(signal.SIGSEGV)\n",
            "RuleCrashed",
            "SIGSEGV; it did not run on this batch of 3 rows at M.py:4",
            id="segfault",
        ),
        pytest.param(
            "import signal\ndef rule(event):\n    signal.raise_signal(signal.SIGKILL)\n",
            "RuleCrashed",
            "SIGKILL",
            id="killed",
        ),
    ],
)
def test_a_rule_that_takes_its_process_along_misses_the_batch_alone(
    start: Start, batch_of: BatchOf, python: str, error: str, text: str
) -> None:
    on_b = textwrap.dedent(python).replace("(event):", "(event):\n    if event.get('k') == 'a': return False", 1)

    matches = start(on_b).detect(batch_of(ROWS))

    assert_others_are_complete(matches)
    assert of(matches, "M") == [("RULE_ERROR", 1)]
    (told,) = (match for match in matches if match.rule_id == "M")
    assert told.dedup == error
    assert text in told.description


def test_a_rule_that_ended_the_process_twice_does_not_run_again(start: Start, batch_of: BatchOf) -> None:
    sandbox = start("import os\ndef rule(event):\n    os._exit(0)\n")

    runs = [of(sandbox.detect(batch_of(ROWS)), "M") for _ in range(3)]

    assert runs == [[("RULE_ERROR", 0)], [("RULE_ERROR", 0)], []]
    assert [(use.rule_id, use.kills) for use in sandbox.uses] == [("M", 2)]
    sandbox.resume(["M"])
    assert of(sandbox.detect(batch_of(ROWS)), "M") == [("RULE_ERROR", 0)]


def test_suspended_rules_do_not_run(start: Start, batch_of: BatchOf) -> None:
    suspended = {"A"}
    sandbox = start(suspended=lambda: frozenset(suspended))

    first = sandbox.detect(batch_of(ROWS))
    sandbox.suspend(["M"])
    suspended.clear()
    second = sandbox.detect(batch_of(ROWS))

    assert {match.rule_id for match in first} == {"M", "Z"}
    assert {match.rule_id for match in second} == {"A", "Z"}


def test_what_rules_print_is_counted_and_goes_nowhere(
    start: Start, batch_of: BatchOf, capfd: pytest.CaptureFixture[str]
) -> None:
    python = "import os\ndef rule(event):\n    print('x' * 10_000_000)\n    os.write(1, b'raw')\n    return False\n"
    sandbox = start(python)

    matches = sandbox.detect(batch_of(ROWS))

    assert_others_are_complete(matches)
    assert [(use.rule_id, use.printed, len(use.text)) for use in sandbox.uses] == [("M", 30_000_003, 1000)]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("python", "error"),
    [
        pytest.param("import os\nos._exit(0)\n", "DetectionDenied", id="exit"),
        pytest.param("import signal\nsignal.raise_signal(signal.SIGSEGV)\n", "DetectionDenied", id="segfault"),
        pytest.param("raise ValueError('x')\n", "ValueError", id="raises"),
        pytest.param("import no_such_module\n", "ModuleNotFoundError", id="import"),
        pytest.param("print('x' * 1000)\nimport socket\nsocket.getaddrinfo('x', 1)\n", "DetectionDenied", id="network"),
    ],
)
def test_a_rule_that_breaks_when_it_is_imported_hurts_no_other(
    start: Start, batch_of: BatchOf, python: str, error: str
) -> None:
    matches = start(python).detect(batch_of(ROWS))

    assert_others_are_complete(matches)
    assert [(match.kind, match.dedup) for match in matches if match.rule_id == "M"] == [("RULE_ERROR", error)]


def test_a_helper_that_ends_the_process_breaks_those_that_import_it_alone(start: Start, batch_of: BatchOf) -> None:
    helper = {"h.yml": "AnalysisType: global\nGlobalID: helps\nFilename: h.py\n", "h.py": "import os\nos._exit(0)\n"}

    matches = start("import helps\n" + ON_A, helper).detect(batch_of(ROWS))

    assert_others_are_complete(matches)
    assert [match.dedup for match in matches if match.rule_id == "M"] == ["DetectionDenied"]


def test_wrong_files_are_told_at_the_start(start: Start) -> None:
    sandbox = start(files={"wrong.yml": "AnalysisType: rule\nRuleID: W\n"})

    with pytest.raises(DetectionError, match=r"wrong\.yml"):
        sandbox.start()


def test_files_that_become_wrong_stop_no_rows_but_are_waited_for(start: Start, batch_of: BatchOf, write: Write) -> None:
    sandbox = start().start()
    write({"wrong.yml": "AnalysisType: rule\nRuleID: W\n"})
    sandbox.close()

    with pytest.raises(DetectionsUnavailable, match="cannot be loaded again"):
        sandbox.detect(batch_of(ROWS))


def test_an_end_that_no_rule_is_to_blame_for_costs_no_match(start: Start, batch_of: BatchOf) -> None:
    sandbox = start().start()
    child = sandbox._child
    assert child is not None
    os.kill(child.pid, 9)

    assert_others_are_complete(sandbox.detect(batch_of(ROWS)))


def test_a_process_that_cannot_load_them_again_is_another_try_later(start: Start, batch_of: BatchOf) -> None:
    sandbox = start("import os\ndef rule(event):\n    os._exit(0)\n").start()
    (folder,) = sandbox._selection.folders.values()
    (folder / "wrong.yml").write_text("AnalysisType: nothing\n")

    with pytest.raises(DetectionsUnavailable):
        sandbox.detect(batch_of(ROWS))


def test_rows_that_no_detection_could_see_are_told_as_a_fault_of_health(start: Start, batch_of: BatchOf) -> None:
    batch = batch_of([{"k": "a", "long": "x" * 1_000_000}] * 300)  # the process cannot even hold them

    (match,) = start(limits=Limits(memory_mib=256)).detect(batch)

    assert (match.kind, match.rule_id, match.account_id) == ("HEALTH", "Headwater.DetectionsFailed", "")
    assert match.title == "No detection has seen 300 rows of T: their process ended 2 times"


class Broken(MemoryCache):
    """A cache whose database does not answer."""

    def change(self, key: str, step: Change) -> Entry:
        """No entry."""
        raise StateUnavailable("gone")


COUNTING = """
from panther_detection_helpers import caching
def rule(event):
    return caching.increment_counter('seen') == 3
def title(event):
    return str(caching.get_counter('seen'))
"""


def test_what_detections_remember_is_kept_outside_their_process(start: Start, batch_of: BatchOf) -> None:
    cache = MemoryCache()
    sandbox = start(COUNTING, cache=cache)

    first = sandbox.detect(batch_of(ROWS[:2]))
    sandbox.close()
    second = sandbox.detect(batch_of(ROWS[:1]))

    assert of(first, "M") == []
    assert [match.title for match in second if match.rule_id == "M"] == ["3"]
    assert cache.read("seen").count == 3


def test_a_refused_change_is_the_rules_error_and_a_lost_database_is_not(start: Start, batch_of: BatchOf) -> None:
    python = """
    from panther_detection_helpers import caching
    def rule(event):
        caching.put_string_set('k', ['x' * 500_000])
    """

    matches = start(python).detect(batch_of(ROWS))
    assert [match.dedup for match in matches if match.rule_id == "M"] == ["ValueError"] * 3
    assert_others_are_complete(matches)

    with pytest.raises(StateUnavailable):
        start(python, cache=Broken()).detect(batch_of(ROWS))


def test_text_that_utf8_cannot_hold_is_told_with_replacements(start: Start, batch_of: BatchOf) -> None:
    python = "def rule(event):\n    return True\ndef title(event):\n    return 'a\\udc80b'\n"

    matches = start(python).detect(batch_of(ROWS[:1]))

    assert [match.title for match in matches if match.rule_id == "M"] == ["a?b"]


def test_the_builtin_pack_gives_the_same_matches_inside_and_outside(batch_of: BatchOf) -> None:
    row = {
        "eventName": "ConsoleLogin",
        "eventSource": "signin.amazonaws.com",
        "userIdentity": {"type": "Root", "arn": "arn:aws:iam::111122223333:root"},
        "responseElements": {"ConsoleLogin": "Success"},
        "sourceIPAddress": "192.0.2.1",
    }
    batch = batch_of([row, {**row, "eventName": "GetCallerIdentity"}] * 5, "AWS.CloudTrail")

    with Sandbox(Selection({"headwater": builtin_path()})) as sandbox:
        inside = sandbox.detect(batch)

    assert inside
    assert inside == Engine(load_pack([builtin_path()])).detect(batch)


def test_batches_without_rules_or_rows_start_nothing_further(start: Start, batch_of: BatchOf) -> None:
    sandbox = start()

    assert sandbox.log_types == {"T"}
    assert sandbox.detect(batch_of([{"k": "a"}], "Other")) == ()
    assert sandbox.detect(batch_of([], keys=["k"])) == ()


LEAVING = """
import sys
from pathlib import Path
from headwater.detect.packs import Selection
from headwater.detect.sandbox import Sandbox
sandbox = Sandbox(Selection({"pack": Path(sys.argv[1])})).start()
print(sandbox._child.pid, flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("way", ["end", "kill", "stuck"])
def test_no_process_is_left_behind(start: Start, write: Write, rule_yaml: RuleYaml, way: str) -> None:
    folder = write({"r.yml": rule_yaml("R", "r.py"), "r.py": ON_A})
    parent = subprocess.Popen(
        [sys.executable, "-c", LEAVING, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    child = int(parent.stdout.readline())

    if way == "stuck":  # as in a rule that loops: it cannot see that its socket is closed
        os.kill(child, signal.SIGSTOP)
    if way != "end":
        parent.kill()
    parent.stdin.close()
    parent.wait()
    parent.stdout.close()

    assert has_gone(child)


def has_gone(pid: int, limit_s: float = 60.0) -> bool:
    """Whether a process ends in time; one that waits to be collected by init has ended."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
    return False
