"""Rows by their primary key: equal texts, or the network that an address lies in."""

from __future__ import annotations

import ipaddress
import socket
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, IPv4 addresses as IPv6 (RFC 4291, 2.5.5.2)
NOBODY = -1


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
        found: dict[int, dict[Network, int]] = {4: {}, 16: {}}
        for network, number in networks:
            found[network.max_prefixlen // 8][network] = number
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
    def of(cls, size: int, numbers: Mapping[Network, int]) -> Spans:
        """The spans of networks that may lie in each other. size: of an address, in bytes."""
        starts, owners = [], array("i")
        for start, owner in _cuts(numbers, 1 << 8 * size):
            starts.append(start)
            owners.append(owner)
        if size == 4:
            return cls(array("I", starts), owners)
        return cls([start.to_bytes(size, "big") for start in starts], owners)

    def owner(self, address: bytes) -> int:
        """The row number of the smallest network with this address, or NOBODY."""
        key = int.from_bytes(address, "big") if len(address) == 4 else address
        at = bisect_right(self.starts, key)
        return self.owners[at - 1] if at else NOBODY


def _cuts(numbers: Mapping[Network, int], end: int) -> Iterator[tuple[int, int]]:
    """Where the smallest network changes, and its row number from there on."""
    ordered = sorted((int(one.network_address), one.prefixlen, one, number) for one, number in numbers.items())
    around: list[tuple[int, int]] = []  # the networks that hold the current address: where they end, row number
    cuts: dict[int, int] = {}  # a later cut at the same address is of a smaller network, or of the one behind
    for start, _, network, number in ordered:
        _leave(around, start, cuts)
        around.append((start + network.num_addresses, number))
        cuts[start] = number
    _leave(around, end, cuts)
    last = NOBODY
    for start, owner in cuts.items():
        if start < end and owner != last:
            yield start, owner
            last = owner


def _leave(around: list[tuple[int, int]], start: int, cuts: dict[int, int]) -> None:
    """Close the networks that end at or before `start`."""
    while around and around[-1][0] <= start:
        end, _ = around.pop()
        cuts[end] = around[-1][1] if around else NOBODY


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
    if ":" not in text and text.count(".") != 3:
        return None  # ipaddress reads shorter forms, and plain numbers
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if network.version == 6 and network.prefixlen >= 96 and network.network_address.packed.startswith(MAPPED):
        return ipaddress.ip_network((network.network_address.packed[12:], network.prefixlen - 96))
    return network
