"""Addresses read and written by the system: as ``ipaddress`` does, to the letter."""

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headless_presale.kernel.ip import host_of, is_loopback, read_address, write_address

GROUPS = st.lists(
    st.sampled_from(["0", "1", "ab", "ffff", "FFFF", "00", "0001", "", "00000", "g"]),
    min_size=1,
    max_size=9,
)
TEXTS = (
    st.ip_addresses().map(str)
    | st.ip_addresses(v=6).map(lambda address: address.exploded.upper())
    | GROUPS.map(":".join)
    | st.builds("{}:{}".format, GROUPS.map(":".join), st.ip_addresses(v=4).map(str))
    | st.text(alphabet="0123456789abcdef:.%/[] \x00", max_size=45)
)


def told(read: object, *arguments: object) -> object:
    try:
        return read(*arguments)  # type: ignore[operator]
    except ValueError:
        return "none"


def host_by_ipaddress(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


@given(TEXTS)
@example("::1")
@example("::")
@example("::ffff:127.0.0.1")
@example("::1.2.3.4")
@example("::ffff:0:1")
@example("fe80::1%eth0")
@example("1::%")
@example("127.0.0.1")
@example("127.0.0.01")
@example("2001:db8:0:1:0:0:0:1")
@example("1:0:0:2:0:0:0:3")
@example("1:2:3:4:5:6:0:8")
def test_it_is_read_and_written_as_by_ipaddress(text: str) -> None:
    expected = told(ipaddress.ip_address, text)
    found = told(read_address, text)
    assert found == expected
    assert type(found) is type(expected)
    if isinstance(expected, ipaddress.IPv4Address | ipaddress.IPv6Address):
        assert write_address(expected) == str(expected)
    assert told(is_loopback, text) == told(lambda: ipaddress.ip_address(text).is_loopback)
    assert host_of(text) == host_by_ipaddress(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("203.0.113.7", "203.0.113.7"),
        ("nobody", "nobody"),
    ],
)
def test_a_client_has_an_address_or_a_network(text: str, host: str) -> None:
    assert host_of(text) == host
