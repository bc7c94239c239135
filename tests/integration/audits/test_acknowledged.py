"""What buyers were told beside what the database has kept."""

from dataclasses import replace

import asyncpg
import pytest

from headless_presale.audits import Acknowledged, audit_acknowledged
from headless_presale.orders import OrderView
from tests.integration.audits.conftest import PlayedShop

EXISTS = "every acknowledged order exists"
ONE_ORDER = "a buyer's key stands for one order"
AS_TOLD = "an order has the buyer, the total and the numbers that were told"
NO_SHARING = "no number was told to two orders that both own it"


def told_of(name: str, order: OrderView) -> Acknowledged:
    """Return what the buyer of an order was told."""
    return Acknowledged(
        order_id=order.id,
        shop_id=order.shop_id,
        email=f"{name}@example.com",
        idempotency_key=name,
        total_minor=order.total.amount_minor,
        numbers={line.item_id: line.numbers for line in order.lines},
    )


@pytest.fixture
def told(played: PlayedShop) -> dict[str, Acknowledged]:
    """Return what every buyer was told."""
    return {name: told_of(name, order) for name, order in played.orders.items()}


async def broken(admin: asyncpg.Connection, *told: Acknowledged) -> dict[str, tuple[str, ...]]:
    """Return the sentences that do not hold, with what breaks them."""
    findings = await audit_acknowledged(admin, told)
    assert [finding.sentence for finding in findings] == [EXISTS, ONE_ORDER, AS_TOLD, NO_SHARING]
    return {finding.sentence: finding.broken for finding in findings if not finding.holds}


async def test_what_was_told_is_what_was_kept(
    told: dict[str, Acknowledged], database_admin: asyncpg.Connection
) -> None:
    assert len(told) == 8
    assert await broken(database_admin, *told.values(), *told.values()) == {}


async def test_an_order_that_is_gone_is_seen(
    told: dict[str, Acknowledged], database_admin: asyncpg.Connection
) -> None:
    for table in ("order_line", "sales_order"):
        column = "order_id" if table == "order_line" else "id"
        await database_admin.execute(
            f"DELETE FROM {table} WHERE {column} = $1", told["last"].order_id
        )

    assert await broken(database_admin, *told.values()) == {EXISTS: (str(told["last"].order_id),)}


async def test_a_key_that_bought_twice_is_seen(
    told: dict[str, Acknowledged], database_admin: asyncpg.Connection
) -> None:
    second = replace(told["last"], idempotency_key="the key of another order")

    assert await broken(database_admin, told["last"], second) == {
        ONE_ORDER: (str(second.order_id),)
    }


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE sales_order SET total_minor = total_minor + 1, balance_minor = balance_minor + 1",
        "UPDATE sales_order SET customer_id = '00000000-0000-7000-8000-000000000000'",
        "UPDATE order_line SET numbers = '[1]'",
        "UPDATE order_line SET numbers = '[]'",
    ],
)
async def test_an_order_that_is_not_as_it_was_told_is_seen(
    told: dict[str, Acknowledged], database_admin: asyncpg.Connection, damage: str
) -> None:
    column = "order_id" if "order_line" in damage else "id"
    await database_admin.execute(f"{damage} WHERE {column} = $1", told["paid"].order_id)

    assert await broken(database_admin, *told.values()) == {AS_TOLD: (str(told["paid"].order_id),)}


async def test_a_late_order_may_get_other_numbers_but_not_more_or_fewer(
    told: dict[str, Acknowledged], database_admin: asyncpg.Connection
) -> None:
    order_id = told["paid"].order_id
    await database_admin.execute(
        "UPDATE event SET payload = payload || '{\"is_late\": true}' "
        "WHERE type = 'order.confirmed' AND topic = 'order:' || $1",
        str(order_id),
    )
    await database_admin.execute(
        "UPDATE order_line SET numbers = '[9, 10]' WHERE order_id = $1", order_id
    )
    assert await broken(database_admin, *told.values()) == {}

    await database_admin.execute(
        "UPDATE order_line SET numbers = '[8, 9, 10]' WHERE order_id = $1", order_id
    )

    assert await broken(database_admin, *told.values()) == {AS_TOLD: (str(order_id),)}


async def test_a_number_that_two_owners_were_told_is_seen(
    played: PlayedShop, told: dict[str, Acknowledged], database_admin: asyncpg.Connection
) -> None:
    paid, last = told["paid"], told["last"]
    (number,) = last.numbers[played.sale.item_id]
    await database_admin.execute(
        "UPDATE order_line SET numbers = jsonb_build_array($2::int, 9) WHERE order_id = $1",
        paid.order_id,
        number,
    )
    paid = replace(paid, numbers={played.sale.item_id: (number, 9)})

    assert await broken(database_admin, paid, last) == {
        NO_SHARING: (f"{played.sale.item_id} {number}",)
    }


async def test_a_number_that_went_back_may_be_told_to_the_next(
    played: PlayedShop, told: dict[str, Acknowledged], database_admin: asyncpg.Connection
) -> None:
    gone, late = told["gone"], told["late"]
    others = [name for name in told if name not in ("gone", "late")]
    sold_again = {
        number for name in others for number in told[name].numbers[played.sale.item_id]
    } & {*gone.numbers[played.sale.item_id], *late.numbers[played.sale.item_id]}
    assert sold_again

    assert await broken(database_admin, *told.values()) == {}
