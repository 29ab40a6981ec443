"""Keys: equal texts, and the smallest network that an address lies in."""

from __future__ import annotations

import ipaddress

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.enrich.tables import Network, NetworkTable, network_of, packed

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def table(*networks: str) -> NetworkTable:
    """A table whose rows are the names of its networks."""
    found = [(network, number) for number, name in enumerate(networks) if (network := network_of(name)) is not None]
    assert len(found) == len(networks)
    return NetworkTable.of(pa.array(networks, pa.string()), found)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("10.1.2.3", "10.1.2.0/24", id="smallest"),
        pytest.param("10.1.2.255", "10.1.2.0/24", id="last of the smallest"),
        pytest.param("10.1.3.0", "10.1.0.0/16", id="first behind it"),
        pytest.param("10.200.0.1", "10.0.0.0/8", id="outer"),
        pytest.param("10.255.255.255", "10.0.0.0/8", id="last of the outer"),
        pytest.param("11.0.0.0", "11.0.0.0", id="an address alone"),
        pytest.param("11.0.0.1", None, id="behind it"),
        pytest.param("9.255.255.255", None, id="before all"),
        pytest.param("255.255.255.255", "255.255.255.254/31", id="last of all"),
        pytest.param("::ffff:10.1.2.3", "10.1.2.0/24", id="IPv4 written as IPv6"),
        pytest.param("2001:db8::1", "2001:db8::/32", id="IPv6"),
        pytest.param("2001:0DB8:0:0::1", "2001:db8::/32", id="IPv6 in another spelling"),
        pytest.param("2001:db9::", None, id="IPv6 outside"),
        pytest.param("10.1.2", None, id="short"),
        pytest.param("10.1.2.3/32", None, id="a network"),
        pytest.param("ec2.amazonaws.com", None, id="a name"),
        pytest.param("10.1.2.3\0", None, id="NUL"),
        pytest.param("", None, id="empty"),
    ],
)
def test_smallest_network_wins(address: str, expected: str | None) -> None:
    networks = table("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "11.0.0.0", "255.255.255.254/31", "2001:db8::/32")

    assert networks.find(address) == expected


def test_whole_internet_is_a_network() -> None:
    networks = table("0.0.0.0/0", "192.0.2.0/24")

    assert [networks.find(each) for each in ("0.0.0.0", "192.0.2.1", "192.0.3.0", "255.255.255.255")] == [
        "0.0.0.0/0",
        "192.0.2.0/24",
        "0.0.0.0/0",
        "0.0.0.0/0",
    ]


def test_last_of_equal_networks_counts() -> None:
    network = Network(4, 192 << 24 | 2 << 8, 24)

    assert NetworkTable.of(pa.array(["first", "last"]), [(network, 0), (network, 1)]).find("192.0.2.1") == "last"


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "10.0",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "::ffff:1.2.3.4/95",
        "x",
        "",
        "1.2.3.4.5",
        "2001:db8::/129",
    ],
)
def test_what_is_no_network_is_none(text: str) -> None:
    assert network_of(text) is None


# addresses close to each other, so that networks lie in each other and addresses in networks
V4 = st.integers(0, 255).map(lambda n: ipaddress.IPv4Address((192 << 24) + (n >> 4 << 12) + (n & 15)))
V6 = st.integers(0, 255).map(lambda n: ipaddress.IPv6Address((0x20010DB8 << 96) + (n >> 4 << 90) + (n & 15)))


@st.composite
def network(draw: st.DrawFn) -> IpNetwork:
    address = draw(V4 | V6)
    most = address.max_prefixlen
    length = draw(st.integers(0, most) | st.sampled_from([most, most - 1, most - 4, 20]))
    return ipaddress.ip_network((address, length), strict=False)


@given(st.lists(network(), max_size=30), st.lists(V4 | V6, min_size=1, max_size=20))
def test_networks_are_found_as_by_brute_force(
    networks: list[IpNetwork], addresses: list[ipaddress.IPv4Address]
) -> None:
    made = table(*map(str, networks))

    for address in addresses:
        holding = [each for each in networks if each.version == address.version and address in each]
        smallest = max(holding, key=lambda each: each.prefixlen, default=None)
        assert made.find(str(address)) == (None if smallest is None else str(smallest))


@given(st.ip_addresses(), st.integers(0, 128))
def test_networks_are_read_as_ipaddress_reads_them(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, prefix: int
) -> None:
    prefix = min(prefix, address.max_prefixlen)
    expected = ipaddress.ip_network((address, prefix), strict=False)
    is_mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None

    found = network_of(f"{address}/{prefix}")

    if not is_mapped:
        assert found == Network(address.max_prefixlen // 8, int(expected.network_address), prefix)


@given(st.ip_addresses())
def test_addresses_are_packed_as_ipaddress_packs_them(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None

    assert packed(str(address)) == (mapped or address).packed
