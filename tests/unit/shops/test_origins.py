"""What an origin is: as browsers write it, and nothing around it."""

import pytest

from headless_presale.kernel.errors import InvalidInput
from headless_presale.shops.origins import MAX_ORIGINS, is_used_from, read_origins

FIELD = ("storefront_origins",)


def test_origins_are_written_as_browsers_do_each_once() -> None:
    texts = [
        "https://shop.example",
        " HTTPS://Shop.Example:443/ ",
        "https://shop.example:8443",
        "https://xn--bcher-kva.example",
        "http://localhost:3000",
        "http://shop.localhost:80",
        "http://127.0.0.1:5173",
        "http://[::1]:5173",
        "https://192.0.2.7",
    ]

    assert read_origins(texts, FIELD) == [
        "http://127.0.0.1:5173",
        "http://[::1]:5173",
        "http://localhost:3000",
        "http://shop.localhost",
        "https://192.0.2.7",
        "https://shop.example",
        "https://shop.example:8443",
        "https://xn--bcher-kva.example",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "shop.example",
        "//shop.example",
        "https://",
        "https://*.shop.example",
        "https://shop.example/path",
        "https://shop.example//",
        "https://shop.example?query",
        "https://shop.example#part",
        "https://user@shop.example",
        "https://shop.example:0",
        "https://shop.example:65536",
        "https://shop.example:",
        "https://shop.example:08443",
        "https://shop example",
        "https://shop.example\nhttps://evil.example",
        "https://-shop.example",
        "https://bücher.example",
        "https://[::2]",
        "https://[::1",
        "http://shop.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://shop.example",
        "javascript://shop.example",
        "https://" + "a" * 300,
    ],
)
def test_what_is_none_is_refused_and_named(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_origins(["https://shop.example", text], FIELD)

    assert refused.value.field == ("storefront_origins", "1")


def test_there_are_so_many_at_most() -> None:
    most = [f"https://shop{number}.example" for number in range(MAX_ORIGINS)]
    assert len(read_origins(most, FIELD)) == MAX_ORIGINS

    with pytest.raises(InvalidInput):
        read_origins([*most, "https://one.example"], FIELD)


def test_a_shop_without_any_is_used_from_everywhere() -> None:
    assert is_used_from([], "https://anywhere.example")
    assert is_used_from(["https://shop.example"], "https://shop.example")
    assert not is_used_from(["https://shop.example"], "https://shop.example.evil.example")
    assert not is_used_from(["https://shop.example"], "null")
