"""What the Linux kernel holds of a process that runs detections, beyond what Python can see.

Each part is tried and none is needed: an old kernel, another operating system or a strict container leaves the guard
of `guard.lock_down`. Nothing here can be undone.
Source: man pages seccomp(2), unshare(2), prctl(2); system call numbers of the kernel's tables.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
NO_NEW_PRIVS = 38  # PR_SET_NO_NEW_PRIVS
CLONE_NEWNET = 0x40000000
CLONE_THREAD = 0x00010000
SECCOMP_FILTER, SECCOMP_ALL_THREADS = 1, 1
ALLOW, REFUSE, ABSENT, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000  # the second: EPERM, the third: ENOSYS
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
FOREIGN_CALLS = 0x40000000  # x32, the second table of x86_64


class Calls:
    """Numbers of system calls. refused: network, other programs, other processes, ways around this filter."""

    def __init__(self, architecture: int, seccomp: int, clone: int, refused: Sequence[int]) -> None:
        self.architecture = architecture
        self.seccomp = seccomp
        self.clone = clone
        self.refused = tuple(refused)


CLONE3 = 435
EVERYWHERE = (425, 426, 427, 434, 438, 440)  # io_uring_*, pidfd_open, pidfd_getfd, process_madvise
MACHINES: Mapping[str, Calls] = MappingProxyType(
    {
        # socket connect accept bind listen accept4, fork vfork execve execveat, kill ptrace process_vm_*,
        # unshare setns mount keyctl bpf perf_event_open
        "x86_64": Calls(
            0xC000003E,
            317,
            56,
            (41, 42, 43, 49, 50, 288, 57, 58, 59, 322, 62, 101, 310, 311, 272, 308, 165, 250, 321, 298, *EVERYWHERE),
        ),
        "aarch64": Calls(
            0xC00000B7,
            277,
            220,
            (198, 203, 202, 200, 201, 242, 221, 281, 129, 117, 270, 271, 97, 268, 40, 219, 280, 241, *EVERYWHERE),
        ),
    }
)


def end_with(parent: int) -> bool:
    """Have the kernel end this process when its parent ends, however that ends; False where that is not to be had.

    parent: its process id. It must be the parent's main thread that started this process: the kernel looks at threads.
    """
    if sys.platform != "linux" or ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0) != 0:
        return False
    if os.getppid() != parent:  # it ended before
        os._exit(1)
    return True


def confine() -> tuple[str, ...]:
    """Take from this process what the kernel lets it give up; the names of what holds now."""
    calls = MACHINES.get(platform.machine())
    if sys.platform != "linux" or calls is None:
        return ()
    libc = ctypes.CDLL(None, use_errno=True)
    held: list[str] = []
    if libc.unshare(CLONE_NEWNET) == 0:  # needs CAP_SYS_ADMIN
        held.append("network namespace")
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and _filter(libc, calls):
        held.append("seccomp")
    return tuple(held)


def _filter(libc: ctypes.CDLL, calls: Calls) -> bool:
    """No new sockets, programs, processes (threads are) or looks into other processes."""
    program = b"".join(_program(calls))
    code = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HL", len(program) // 8, ctypes.addressof(code))
    arguments = (ctypes.c_long(SECCOMP_FILTER), ctypes.c_long(SECCOMP_ALL_THREADS), ctypes.c_char_p(described))
    return int(libc.syscall(ctypes.c_long(calls.seccomp), *arguments)) == 0


def _program(calls: Calls) -> Iterator[bytes]:
    """The filter, in Berkeley packet filter instructions."""
    yield _step(LOAD, ARCHITECTURE)
    yield _step(JUMP_EQUAL, calls.architecture, 1, 0)
    yield _step(RETURN, KILL)
    yield _step(LOAD, NUMBER)
    yield _step(JUMP_AT_LEAST, FOREIGN_CALLS, 0, 1)
    yield _step(RETURN, REFUSE)
    for number in calls.refused:
        yield _step(JUMP_EQUAL, number, 0, 1)
        yield _step(RETURN, REFUSE)
    yield _step(JUMP_EQUAL, CLONE3, 0, 1)
    yield _step(RETURN, ABSENT)  # its flags lie where a filter cannot look; libc then uses clone
    yield _step(JUMP_EQUAL, calls.clone, 0, 3)
    yield _step(LOAD, FIRST_ARGUMENT)
    yield _step(JUMP_SET, CLONE_THREAD, 1, 0)
    yield _step(RETURN, REFUSE)
    yield _step(RETURN, ALLOW)


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_so, if_not, value)
