"""Rows by their primary key: equal texts, or the network that an address lies in."""

from __future__ import annotations

import re
import socket
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import pyarrow as pa

PREFIX = re.compile(r"[0-9]{1,3}\Z")
MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, IPv4 addresses as IPv6 (RFC 4291, 2.5.5.2)
NOBODY = -1


class Network(NamedTuple):
    """size: of its addresses in bytes, 4 or 16. start: its first address. prefix: how many bits they have in common."""

    size: int
    start: int
    prefix: int

    @property
    def code(self) -> int:
        """One number that sorts as they do; a million of them take a third of the memory of these tuples."""
        return self.start << 8 | self.prefix


class Table(Protocol):
    """Rows of a lookup table by key."""

    @property
    def matching(self) -> str:
        """`exact` or `cidr`."""

    def __len__(self) -> int:
        """How many rows there are."""

    def find(self, key: str) -> str | None:
        """The JSON text of the row that a value belongs to."""


@dataclass(frozen=True, slots=True)
class ExactTable:
    """rows: JSON texts. numbers: key → row number."""

    rows: pa.Array
    numbers: Mapping[str, int]

    @property
    def matching(self) -> str:
        """The key and the value are equal."""
        return "exact"

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, key: str) -> str | None:
        """The row of exactly this key."""
        number = self.numbers.get(key)
        return None if number is None else str(self.rows[number])


@dataclass(frozen=True, slots=True)
class NetworkTable:
    """rows: JSON texts. spans: by length of an address in bytes, its spans."""

    rows: pa.Array
    spans: Mapping[int, Spans]

    @classmethod
    def of(cls, rows: pa.Array, networks: Iterable[tuple[Network, int]]) -> NetworkTable:
        """The table of networks and their row numbers; of equal networks the last counts."""
        found: dict[int, dict[int, int]] = {4: {}, 16: {}}
        for network, number in networks:
            found[network.size][network.code] = number
        return cls(rows, {size: Spans.of(size, numbers) for size, numbers in found.items()})

    @property
    def matching(self) -> str:
        """The value is an address, and the key a network that holds it."""
        return "cidr"

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, key: str) -> str | None:
        """The row of the smallest network that an address lies in; None also for what is no address."""
        address = packed(key)
        if address is None:
            return None
        number = self.spans[len(address)].owner(address)
        return None if number == NOBODY else str(self.rows[number])


@dataclass(frozen=True, slots=True)
class Spans:
    """All addresses of one kind cut where their smallest network changes: one bisection finds the network.

    starts: first addresses of the spans, in order. owners: the row number of each span's network, or NOBODY.
    """

    starts: Sequence[int] | Sequence[bytes]
    owners: array[int]

    @classmethod
    def of(cls, size: int, numbers: Mapping[int, int]) -> Spans:
        """The spans of networks that may lie in each other. size: of an address in bytes. numbers: rows by code."""
        starts: list[bytes] | array[int] = array("I") if size == 4 else []
        owners = array("i")
        last = -1
        for start, owner in _cuts(numbers, 8 * size):
            if start == last:
                owners[-1] = owner
                continue
            last = start
            owners.append(owner)
            starts.append(start if size == 4 else start.to_bytes(size, "big"))  # type: ignore[arg-type]
        return cls(starts, owners)

    def owner(self, address: bytes) -> int:
        """The row number of the smallest network with this address, or NOBODY."""
        key = int.from_bytes(address, "big") if len(address) == 4 else address
        at = bisect_right(self.starts, key)
        return self.owners[at - 1] if at else NOBODY


def _cuts(numbers: Mapping[int, int], bits: int) -> Iterator[tuple[int, int]]:
    """Where the smallest network changes, in order, and its row number; of cuts at one address the last counts."""
    around: list[tuple[int, int]] = []  # the networks that hold the current address: where they end, row number
    for code in sorted(numbers):  # the outer one of two that begin at one address comes first
        start, prefix = code >> 8, code & 255
        yield from _left(around, start)
        around.append((start + (1 << bits - prefix), numbers[code]))
        yield start, numbers[code]
    yield from _left(around, (1 << bits) - 1)  # what reaches to the end is left by nobody


def _left(around: list[tuple[int, int]], start: int) -> Iterator[tuple[int, int]]:
    """The cuts where networks end at or before `start`, which are around no more."""
    while around and around[-1][0] <= start:
        end, _ = around.pop()
        yield end, around[-1][1] if around else NOBODY


def packed(text: str) -> bytes | None:
    """An address as 4 or 16 bytes; IPv4 addresses written as IPv6 are IPv4. None for any other text."""
    try:
        if ":" not in text:
            return socket.inet_pton(socket.AF_INET, text)
        address = socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):  # ValueError: a NUL or a lone surrogate in it
        return None
    return address[12:] if address.startswith(MAPPED) else address


def network_of(text: str) -> Network | None:
    """A network, or an address as the network of itself alone; bits behind the prefix do not count."""
    head, slash, tail = text.partition("/")
    address = packed(head)
    if address is None or (slash and not PREFIX.match(tail)):
        return None
    length = 8 * len(address)
    prefix = int(tail) if slash else length
    if slash and len(address) == 4 and ":" in head:
        prefix -= 96
    if not 0 <= prefix <= length:
        return None
    start = int.from_bytes(address, "big") >> length - prefix << length - prefix
    return Network(len(address), start, prefix)
