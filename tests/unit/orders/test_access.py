"""By what a buyer gets at an order: a token of its generation, or being its customer."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from headless_presale.kernel.ids import sign_token
from headless_presale.orders import CustomerAccess, TokenAccess, order_token, read_order_token

SECRET = "a secret of the tests"
ORDER = UUID("0191d5a0-0000-7000-8000-000000000001")
CUSTOMER = uuid4()


@dataclass(frozen=True)
class Order:
    """As much of an order as access is judged by."""

    buyer: dict[str, Any] = field(default_factory=lambda: {"email": "Ann@example.com"})
    customer_id: UUID = CUSTOMER
    access_generation: int = 0


def test_tokens_that_are_in_mails_already_stay_good() -> None:
    assert order_token(SECRET, ORDER, 0) == sign_token(SECRET, "order", ORDER)
    assert read_order_token(SECRET, ORDER, sign_token(SECRET, "order", ORDER)) == TokenAccess(0)


@pytest.mark.parametrize("generation", [0, 1, 2, 100, 32_767])
def test_a_token_tells_its_generation_and_opens_that_alone(generation: int) -> None:
    access = read_order_token(SECRET, ORDER, order_token(SECRET, ORDER, generation))

    assert access == TokenAccess(generation)
    assert access.opens(Order(access_generation=generation))
    assert not access.opens(Order(access_generation=generation + 1))


def test_a_generation_cannot_be_written_over() -> None:
    first = order_token(SECRET, ORDER, 0)
    second = order_token(SECRET, ORDER, 1)
    _, _, signature = second.partition(".")
    for forged in (
        f"0.{first}",
        f"1.{first}",
        f"2.{signature}",
        f"01.{signature}",
        f"+1.{signature}",
        f"-1.{signature}",
        f"1 .{signature}",
        f"１.{signature}",
        f"{'9' * 5_000}.{signature}",
        f".{signature}",
        f"1..{signature}",
        signature,
        second + "A",
        "",
        ".",
        "1.",
        "1.\x00",
        "\ud800",
    ):
        assert read_order_token(SECRET, ORDER, forged) is None, forged
    assert read_order_token(SECRET, uuid4(), second) is None
    assert read_order_token("another secret", ORDER, second) is None


def test_an_order_is_its_customers_whatever_letters_the_address_was_written_in() -> None:
    assert CustomerAccess(customer_id=CUSTOMER, email="ann@example.com").opens(Order())
    assert not CustomerAccess(customer_id=uuid4(), email="ann@example.com").opens(Order())


def test_one_id_is_not_enough() -> None:
    # ss and ß have one customer's id and are two mailboxes.
    order = Order(buyer={"email": "straße@example.com"})
    assert not CustomerAccess(customer_id=CUSTOMER, email="strasse@example.com").opens(order)


def test_who_has_proven_no_address_is_known_by_his_id() -> None:
    assert CustomerAccess(customer_id=CUSTOMER, email=None).opens(Order())


def test_a_buyer_without_an_address_is_nobodys() -> None:
    for buyer in ({}, {"email": None}, {"email": ""}):
        assert not CustomerAccess(customer_id=CUSTOMER, email="none").opens(Order(buyer=buyer))
