"""Ids: a retry is the same operation, and a token opens one thing."""

from uuid import UUID, uuid4

import pytest
from asyncpg.pgproto import pgproto
from hypothesis import given
from hypothesis import strategies as st

from headless_presale.kernel.ids import (
    customer_id_of,
    display_number,
    new_id,
    read_id,
    reservation_id_of,
    sign_token,
    token_matches,
)

SHOP = UUID("0192f0c4-0000-7000-8000-000000000001")
SECRET = "a secret of this test"


def test_new_ids_sort_by_their_creation() -> None:
    ids = [new_id() for _ in range(1_000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == 1_000
    assert {one.version for one in ids} == {7}


def test_a_customer_is_the_same_however_the_address_is_written() -> None:
    assert customer_id_of(SHOP, " Lin@Example.COM ") == customer_id_of(SHOP, "lin@example.com")
    assert customer_id_of(SHOP, "lin@example.com") != customer_id_of(SHOP, "lim@example.com")
    assert customer_id_of(uuid4(), "lin@example.com") != customer_id_of(SHOP, "lin@example.com")


def test_a_retry_has_the_id_of_the_first_attempt() -> None:
    customer = customer_id_of(SHOP, "lin@example.com")

    assert reservation_id_of(customer, "key-1") == reservation_id_of(customer, "key-1")
    # Ids in orders already placed are derived this way: a change would make retries new orders.
    assert str(customer) == "ddf63248-8e3d-591b-87ef-66133d37dd8a"
    assert str(reservation_id_of(customer, "key-1")) == "f12176cb-3689-5802-a37f-bc61dc0c16a7"
    assert reservation_id_of(customer, "key-2") != reservation_id_of(customer, "key-1")
    assert reservation_id_of(uuid4(), "key-1") != reservation_id_of(customer, "key-1")


def test_an_order_number_can_be_read_out() -> None:
    number = display_number(UUID("0192f0c4-0000-7000-8000-000000000002"))

    assert number == display_number(UUID("0192f0c4-0000-7000-8000-000000000002"))
    assert len(number) == 9
    assert number[4] == "-"
    assert not set(number) & set("ILOU")


def test_a_token_opens_its_subject_for_its_purpose_only() -> None:
    subject = uuid4()
    token = sign_token(SECRET, "order", subject)

    assert token_matches(SECRET, "order", subject, token)
    assert token == sign_token(SECRET, "order", subject)
    assert not token_matches(SECRET, "order", uuid4(), token)
    assert not token_matches(SECRET, "refund", subject, token)
    assert not token_matches("another secret", "order", subject, token)
    assert not token_matches(SECRET, "order", subject, "")
    assert not token_matches(SECRET, "order", subject, token[:-1])


@given(token=st.text())
def test_no_text_from_outside_breaks_the_comparison(token: str) -> None:
    assert not token_matches(SECRET, "order", SHOP, token)


def test_half_of_a_surrogate_pair_is_just_a_wrong_token() -> None:
    assert not token_matches(SECRET, "order", SHOP, "\ud800")


def test_an_id_within_json_is_read_as_the_driver_reads_its_own() -> None:
    read = read_id(str(SHOP))

    assert type(read) is pgproto.UUID
    assert (read, hash(read), str(read)) == (SHOP, hash(SHOP), str(SHOP))
    with pytest.raises(ValueError, match="UUID"):
        read_id("no id")
