"""What a locked-down process can no longer do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.detect import guard

LOCKED = """
import os, socket, subprocess, sqlite3, sys, ctypes
from pathlib import Path
from headwater.detect import guard
guard.lock_down([Path(sys.argv[1])])
try:
    {statement}
except guard.DetectionDenied as error:
    print("denied:", error)
else:
    print("done")
"""


def run_locked(folder: Path, statement: str) -> str:
    """What a locked-down process says of one statement."""
    program = LOCKED.format(statement=statement)
    environment = {**os.environ, "AWS_SECRET_ACCESS_KEY": "secret", "HEADWATER_QUEUE_URL": "queue"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        pytest.param("socket.create_connection(('127.0.0.1', 9))", "reach the network", id="connect"),
        pytest.param("socket.socket().connect(('127.0.0.1', 9))", "reach the network", id="connect_by_address"),
        pytest.param("socket.socket().bind(('127.0.0.1', 0))", "reach the network", id="bind"),
        pytest.param("socket.getaddrinfo('localhost', 80)", "reach the network", id="name"),
        pytest.param(
            "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))", "reach the network", id="datagram"
        ),
        pytest.param("subprocess.run(['true'])", "run other programs", id="subprocess"),
        pytest.param("os.system('true')", "run other programs", id="system"),
        pytest.param("os.execv('/bin/true', ['true'])", "run other programs", id="exec"),
        pytest.param("os.kill(os.getppid(), 0)", "send signals", id="kill"),
        pytest.param("os.fork()", "start threads or processes", id="fork"),
        pytest.param("ctypes.CDLL('libc.so.6')", "load native code", id="native"),
        pytest.param("open(sys.argv[1] + '/made', 'w')", "write or change files", id="write"),
        pytest.param("os.open(sys.argv[1] + '/made', os.O_CREAT)", "write or change files", id="create"),
        pytest.param("os.remove(sys.argv[1])", "write or change files", id="remove"),
        pytest.param("sqlite3.connect(':memory:')", "write or change files", id="sqlite"),
        pytest.param("open('/proc/%d/environ' % os.getppid())", "read files outside", id="environment_of_the_parent"),
        pytest.param("open('/etc/passwd')", "read files outside", id="read"),
    ],
)
def test_a_locked_process_refuses_and_says_what(tmp_path: Path, statement: str, what: str) -> None:
    said = run_locked(tmp_path, statement)

    assert said.startswith("denied: detections may not")
    assert what in said


def test_no_other_hook_is_taken(tmp_path: Path) -> None:
    statement = "seen = []; sys.addaudithook(lambda *each: seen.append(each)); open(os.devnull); assert not seen"

    assert run_locked(tmp_path, statement) == "done"


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")

    assert "read files outside" in run_locked(folder, "open(sys.argv[1] + '/link')")


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("assert open(sys.argv[1] + '/data.json').read() == '{}'", id="files_of_the_pack"),
        pytest.param("import json.tool, zoneinfo; zoneinfo.ZoneInfo('UTC')", id="the_standard_library"),
        pytest.param("import pycountry; assert pycountry.countries.get(alpha_2='DE')", id="data_of_libraries"),
        pytest.param("open(os.devnull, 'w').write('x')", id="nowhere"),
        pytest.param("a, b = socket.socketpair(); a.sendall(b'x'); assert b.recv(1) == b'x'", id="open_channels"),
        pytest.param("assert not [n for n in os.environ if n.startswith(('AWS_', 'HEADWATER_'))]", id="environment"),
    ],
)
def test_a_locked_process_still_can(tmp_path: Path, statement: str) -> None:
    (tmp_path / "data.json").write_text("{}")

    assert run_locked(tmp_path, statement) == "done"


@pytest.mark.parametrize(
    ("name", "is_kept"),
    [
        ("PATH", True),
        ("LC_ALL", True),
        ("PYTHONPATH", True),
        ("TZ", True),
        ("AWS_SECRET_ACCESS_KEY", False),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", False),
        ("ECS_CONTAINER_METADATA_URI_V4", False),
        ("HEADWATER_STATE_URL", False),
        ("GITHUB_TOKEN", False),
        ("HOME", False),
    ],
)
def test_variables_that_detections_may_see(name: str, is_kept: bool) -> None:
    assert (name in guard.scrubbed({name: "value"})) is is_kept
