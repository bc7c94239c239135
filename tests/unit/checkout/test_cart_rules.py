"""The cart's rules: what may be asked for, and what makes two requests the same."""

from uuid import UUID

import pytest

from headless_presale.carts import MAX_LINES, MAX_QUANTITY, CartLine, sum_lines
from headless_presale.checkout import Address, Buyer, PlaceOrder
from headless_presale.checkout.rules import check_locale
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.idempotency import check_key, hash_request
from headless_presale.kernel.postal import COUNTRIES

A, B = UUID(int=1), UUID(int=2)
HOME = Address(country="CN", city="Shanghai", line1="1 Nanjing Road")
FIELD = ("shippingAddress",)


def test_lines_of_one_item_are_one_wish() -> None:
    assert sum_lines([CartLine(A, 1), CartLine(B, 2), CartLine(A, 3)]) == {A: 1 + 3, B: 2}


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([], ("lines",)),
        ([CartLine(UUID(int=n), 1) for n in range(MAX_LINES + 1)], ("lines",)),
        ([CartLine(A, 0)], ("lines", "0", "quantity")),
        ([CartLine(B, 1), CartLine(A, -1)], ("lines", "1", "quantity")),
        ([CartLine(A, MAX_QUANTITY + 1)], ("lines", "0", "quantity")),
        ([CartLine(A, 2**31)], ("lines", "0", "quantity")),
        # Each is allowed, their sum is not; a negative line must not make room either.
        ([CartLine(A, MAX_QUANTITY), CartLine(A, 1)], ("lines", "1", "quantity")),
        ([CartLine(A, 5), CartLine(A, -1)], ("lines", "1", "quantity")),
    ],
)
def test_a_cart_out_of_range_names_the_line(lines: list[CartLine], field: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        sum_lines(lines)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "email",
    ["", " ", "lin", "lin@", "@example.com", "lin@example", "lin@exa mple.com", "lin\x00@a.com",
     "lin@example.com\x00", "\ud800@example.com", "x" * 250 + "@example.com"],
)  # fmt: skip
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Buyer(email=email, name="Lin").checked()
    assert refused.value.field == ("buyer", "email")


@pytest.mark.parametrize(
    ("buyer", "field"),
    [
        (Buyer(email="lin@example.com", name=" "), "name"),
        (Buyer(email="lin@example.com", name="x" * 201), "name"),
        (Buyer(email="lin@example.com", name="Lin\x00"), "name"),
        (Buyer(email="lin@example.com", name="\udfff"), "name"),
        (Buyer(email="lin@example.com", name="Lin", phone="1" * 41), "phone"),
        (Buyer(email="lin@example.com", name="Lin", phone=""), "phone"),
    ],
)
def test_a_buyers_texts_are_bounded(buyer: Buyer, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        buyer.checked()
    assert refused.value.field == ("buyer", field)


def test_a_buyer_is_kept_in_normal_form() -> None:
    assert Buyer(email="lin@EXAMPLE.com", name=" 林 ").checked() == Buyer(
        email="lin@example.com", name="林"
    )


@pytest.mark.parametrize("country", ["", "C", "cn", "CHN", "ZZ", "EU", "12", "C\x00", "中国"])
def test_what_is_no_country_is_refused(country: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Address(country=country, city="Shanghai", line1="1 Nanjing Road").checked(FIELD)
    assert refused.value.field == ("shippingAddress", "country")


def test_the_countries_are_where_parcels_go() -> None:
    assert {"CN", "US", "DE", "JP", "HK", "TW", "GB"} <= COUNTRIES
    assert all(len(code) == 2 and code.isupper() for code in COUNTRIES)
    assert len(COUNTRIES) >= 249


@pytest.mark.parametrize(
    ("part", "text", "field"),
    [
        ("city", "", "city"),
        ("city", "x" * 201, "city"),
        ("line1", "\t", "line1"),
        ("line1", "x" * 301, "line1"),
        ("line2", "x" * 301, "line2"),
        ("region", "\x00", "region"),
        ("postal_code", "\ud800", "postalCode"),
    ],
)
def test_an_addresss_texts_are_bounded(part: str, text: str, field: str) -> None:
    parts = {"country": "CN", "city": "Shanghai", "line1": "1 Nanjing Road", part: text}

    with pytest.raises(InvalidInput) as refused:
        Address(**parts).checked(FIELD)

    assert refused.value.field == ("shippingAddress", field)
    assert HOME.checked(FIELD) is HOME


@pytest.mark.parametrize("key", ["", "  ", "x" * 201, "a\x00b", "\ud800"])
def test_a_key_must_tell_operations_apart(key: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_key(key)
    assert refused.value.field == ("idempotencyKey",)
    check_key("x" * 200)


@pytest.mark.parametrize("locale", ["", "zh_CN", "x" * 11, "zh-Hans-CN-x", "\x00"])
def test_a_language_that_is_none_is_refused(locale: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_locale(locale)
    assert refused.value.field == ("locale",)
    check_locale("zh-CN")


def _hash(**changes: object) -> str:
    command = {
        "shop_id": A,
        "lines": [CartLine(A, 1), CartLine(B, 2)],
        "buyer": Buyer(email="lin@example.com", name="Lin"),
        "shipping_address": HOME,
        "accepted_terms_version": 1,
        "idempotency_key": "key",
        "locale": "en",
        **changes,
    }
    return hash_request(PlaceOrder(**command).canonical())  # type: ignore[arg-type]


def test_the_order_of_lines_and_the_language_do_not_make_another_request() -> None:
    assert _hash() == _hash(lines=[CartLine(B, 2), CartLine(A, 1)]) == _hash(locale="zh-CN")


@pytest.mark.parametrize(
    "change",
    [
        {"lines": [CartLine(A, 1)]},
        {"lines": [CartLine(A, 2), CartLine(B, 1)]},
        {"buyer": Buyer(email="lin@example.com", name="Max")},
        {"shipping_address": Address(country="CN", city="Beijing", line1="1 Nanjing Road")},
        {"accepted_terms_version": 2},
        {"expected_total_minor": 1},
    ],
)
def test_everything_else_does(change: dict[str, object]) -> None:
    assert _hash(**change) != _hash()
