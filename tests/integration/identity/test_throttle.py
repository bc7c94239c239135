"""Limits: who waits for whom, for how long, and that the owner is never kept out."""

from datetime import timedelta

import asyncpg
import pytest

from headless_presale.identity.errors import TooManyAttempts
from headless_presale.identity.limits import (
    PASSWORD_OF_ACCOUNT,
    Source,
    mark_device,
    password_keys,
)
from headless_presale.identity.throttle import (
    Key,
    Limit,
    forget_old_attempts,
    forgive,
    take_attempt,
)
from headless_presale.kernel.clock import ManualClock

pytestmark = pytest.mark.usefixtures("database", "clock")

THREE = Limit(name="t", free=3, first_pause=10, longest_pause=60, decay=timedelta(minutes=10))


async def wait_of(*keys: Key) -> int:
    """Try, and return how long one has to wait; 0 if not at all."""
    try:
        await take_attempt(keys)
    except TooManyAttempts as pause:
        return pause.retry_after_seconds
    return 0


def test_pauses_double_up_to_a_longest_one() -> None:
    pauses = [THREE.pause_after(attempts) for attempts in range(8)]

    assert pauses == [0, 0, 0, 10, 20, 40, 60, 60]
    assert THREE.pause_after(1_000_000) == 60


async def test_an_attempt_too_early_prolongs_nothing(clock: ManualClock) -> None:
    key = Key(THREE, "ada")
    assert [await wait_of(key) for _ in range(3)] == [0, 0, 0]

    # Knocking every second for nine seconds
    waits = []
    for _ in range(9):
        clock.advance(timedelta(seconds=1))
        waits.append(await wait_of(key))

    assert waits == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    clock.advance(timedelta(seconds=1))
    assert await wait_of(key) == 0


async def test_a_refusal_counts_under_no_key() -> None:
    account, address = Key(THREE, "account"), Key(THREE, "address")
    for _ in range(3):
        await take_attempt([account])

    assert await wait_of(account, address) == 10

    assert [await wait_of(address) for _ in range(3)] == [0, 0, 0]


async def test_the_longest_wait_is_told(clock: ManualClock) -> None:
    one, other = Key(THREE, "one"), Key(THREE, "other")
    for _ in range(3):
        await take_attempt([one])
    clock.advance(timedelta(seconds=4))
    for _ in range(3):
        await take_attempt([other])

    assert await wait_of(one, other) == max(10 - 4, 10)


async def test_after_a_while_nothing_is_remembered(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    key = Key(THREE, "ada")
    for _ in range(3):
        await take_attempt([key])
    clock.advance(THREE.decay)

    assert [await wait_of(key) for _ in range(4)] == [0, 0, 0, 10]
    clock.advance(THREE.decay)
    assert await forget_old_attempts() == 1
    assert await database_admin.fetchval("SELECT count(*) FROM throttle") == 0


async def test_what_was_right_is_forgiven() -> None:
    account, address = Key(THREE, "account"), Key(THREE, "address")
    for _ in range(3):
        await take_attempt([account, address])

    await forgive([account], [address])

    # Of the account nothing is left; of the address two, so one more is free.
    assert [await wait_of(account) for _ in range(4)] == [0, 0, 0, 10]
    assert [await wait_of(address) for _ in range(2)] == [0, 10]


async def test_the_table_does_not_tell_who_tried(database_admin: asyncpg.Connection) -> None:
    await take_attempt(password_keys("ada@shop.example", Source(address="192.0.2.1")))

    rows = await database_admin.fetch("SELECT throttle::text AS all FROM throttle")

    assert len(rows) == 3
    assert [row for row in rows if "ada@" in row["all"] or "192.0.2" in row["all"]] == []


async def test_strangers_do_not_keep_the_owner_out() -> None:
    # Given strangers all over the world who guess until everybody has to wait
    for number in range(PASSWORD_OF_ACCOUNT.free):
        await take_attempt(password_keys("ada@shop.example", Source(address=f"198.51.{number}.1")))
    assert await wait_of(*password_keys("ada@shop.example", Source(address="203.0.113.9"))) == 2

    # Then the owner's own browser does not
    device = mark_device("ada@shop.example")
    home = Source(address="192.0.2.1", device=device)
    assert await wait_of(*password_keys("Ada@shop.example", home)) == 0

    # And without the mark of a known browser he would: that is what the mark is for
    assert await wait_of(*password_keys("ada@shop.example", Source(address="192.0.2.1"))) == 2


@pytest.mark.parametrize("device", ["", "guess", "guess.guess", mark_device.__name__, "\udcff.x"])
async def test_a_mark_of_ones_own_making_is_none(device: str) -> None:
    source = Source(address="192.0.2.1", device=device)

    assert password_keys("ada@shop.example", source)[0] == Key(
        PASSWORD_OF_ACCOUNT, "ada@shop.example"
    )


async def test_a_mark_is_good_for_its_own_account_only() -> None:
    source = Source(address="192.0.2.1", device=mark_device("bob@shop.example"))

    assert password_keys("ada@shop.example", source)[0] == Key(
        PASSWORD_OF_ACCOUNT, "ada@shop.example"
    )


def test_another_spelling_of_an_address_counts_with_it() -> None:
    spellings = ["ada@shop.example", "ADA@Shop.Example ", "ada@ｓｈｏｐ.example"]

    keys = {password_keys(email, Source(address="192.0.2.1"))[0] for email in spellings}

    assert keys == {Key(PASSWORD_OF_ACCOUNT, "ada@shop.example")}


@pytest.mark.parametrize(
    ("address", "host", "network"),
    [
        ("192.0.2.17", "192.0.2.17", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_who_is_counted_together(address: str, host: str, network: str) -> None:
    source = Source(address=address)

    assert (source.host, source.network) == (host, network)
