"""What the kernel holds where it can; a kernel that holds nothing is told as such."""

from __future__ import annotations

import subprocess
import sys

CONFINED = """
import errno, os, socket, sys, threading
import pyarrow as pa, pyarrow.compute as pc
from headwater.detect import kernel
held = kernel.confine()
outcomes = {}
for name, action in {
    "socket": socket.socket,
    "fork": os.fork,
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "kill": lambda: os.kill(os.getppid(), 0),
}.items():
    try:
        action()
        outcomes[name] = "done"
    except OSError as error:
        outcomes[name] = errno.errorcode[error.errno]
ran = []
thread = threading.Thread(target=ran.append, args=(1,))
thread.start()
thread.join()
one, other = socket.socketpair()
one.sendall(b"x")
assert ran == [1] and other.recv(1) == b"x" and pc.sum(pa.array([1, 2])).as_py() == 3
print("seccomp" in held, sorted(set(outcomes.values())))
"""


def test_a_confined_process_gets_no_sockets_programs_or_processes() -> None:
    done = subprocess.run([sys.executable, "-c", CONFINED], capture_output=True, text=True, check=True)
    is_held, outcomes = done.stdout.strip().split(" ", 1)

    assert (is_held, outcomes) == ("True", "['EPERM']") if is_held == "True" else is_held == "False"
