"""What the service and the process that runs its detections say to each other: MessagePack frames on a socket.

The service decodes nothing but these structures: detections share a process with the other end.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping

import msgspec
import pyarrow as pa

from headwater.detect.budget import Limits
from headwater.detect.cache import Change, Entry
from headwater.detect.matches import Face
from headwater.detect.packs import Switches
from headwater.errors import Problem
from headwater.model import Batch, Match

LENGTH = struct.Struct("!Q")
FRAME_MAX_BYTES = 1 << 31
MATCHES_A_FRAME = 1000


class Start(msgspec.Struct, frozen=True, tag=True):
    """Load these detections. banned: files that must not be imported. traced: say which file is being imported."""

    folders: Mapping[str, str]
    switches: Switches
    destinations: Mapping[str, str]
    limits: Limits
    banned: tuple[str, ...]
    traced: bool


class Ready(msgspec.Struct, frozen=True, tag=True):
    """All is loaded. faces: of the rules, by their numbers from 1. confined: what the kernel holds, in words."""

    log_types: frozenset[str]
    faces: tuple[Face, ...]
    confined: tuple[str, ...]


class Wrong(msgspec.Struct, frozen=True, tag=True):
    """The files are wrong, and nothing is loaded."""

    problems: tuple[Problem, ...]


class Detect(msgspec.Struct, frozen=True, tag=True):
    """Run the rules on the table of the next frame."""

    log_type: str
    suspended: frozenset[str]


class Use(msgspec.Struct, frozen=True):
    """What a rule used in a batch. printed: bytes that it wrote to its standard output; text: the first of them."""

    seconds: float = 0.0
    printed: int = 0
    text: str = ""


class Found(msgspec.Struct, frozen=True, tag=True):
    """Matches with their rows, without events. more: others follow. uses: by number of the rule, in the last frame."""

    matches: tuple[tuple[int, Match], ...]
    more: bool = False
    uses: Mapping[int, Use] = {}


class Recall(msgspec.Struct, frozen=True, tag=True):
    """What is remembered under a key?"""

    key: str


class Remember(msgspec.Struct, frozen=True, tag=True):
    """Change what is remembered under a key."""

    key: str
    step: Change


class Remembered(msgspec.Struct, frozen=True, tag=True):
    """The answer to both. refusal: why a change is refused."""

    entry: Entry = Entry()
    refusal: str = ""


ToChild = Start | Detect | Remembered
FromChild = Ready | Wrong | Found | Recall | Remember
TO_CHILD: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
FROM_CHILD: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)


def send(connection: socket.socket, message: ToChild | FromChild) -> None:
    """Send a message. Raises: OSError; UnicodeEncodeError for text that UTF-8 cannot hold."""
    send_frame(connection, msgspec.msgpack.encode(message))


def send_frame(connection: socket.socket, content: bytes | pa.Buffer) -> None:
    """Send one frame."""
    connection.sendall(LENGTH.pack(len(memoryview(content))))
    connection.sendall(content)


def receive_frame(connection: socket.socket) -> bytearray:
    """The next frame. Raises: EOFError where the other end is gone; ValueError for a frame that cannot be one."""
    (size,) = LENGTH.unpack(_exactly(connection, LENGTH.size))
    if size > FRAME_MAX_BYTES:
        raise ValueError(f"a frame of {size} bytes")
    return _exactly(connection, size)


def encode_table(batch: Batch) -> pa.Buffer:
    """A batch's table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.table.schema) as writer:
        writer.write_table(batch.table)
    return sink.getvalue()


def decode_table(content: bytearray) -> pa.Table:
    """The table of an Arrow stream."""
    with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
        return reader.read_all()


def _exactly(connection: socket.socket, size: int) -> bytearray:
    content = bytearray(size)
    view, done = memoryview(content), 0
    while done < size:
        count = connection.recv_into(view[done:])
        if count == 0:
            raise EOFError
        done += count
    return content
