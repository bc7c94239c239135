"""Which addresses are public: one of every block that is not."""

import pytest

from headless_presale.kernel.addresses import AddressRefused, check_public, is_public


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "2a00:1450::1"])
def test_what_is_public(address: str) -> None:
    assert is_public(address)
    check_public("example.com", [address])


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
        "fec0::1",
        "ff02::1",
        "localhost",
        "127.1",
        "0x7f000001",
        "",
    ],
)
def test_what_is_not(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(AddressRefused):
        check_public("example.com", [address])


def test_one_address_that_is_not_public_spoils_all() -> None:
    with pytest.raises(AddressRefused, match=r"rebinding\.example is at 10\.0\.0\.1"):
        check_public("rebinding.example", ["1.1.1.1", "10.0.0.1"])
