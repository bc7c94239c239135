"""Somebody orders in the moment in which his account ends: the order goes with it, or is none."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from headless_presale.checkout import Account, together
from headless_presale.customers import SessionEnded
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.orders import NewOrder, Order, OrderView, write_orders
from tests.graphql.customers import codes_of
from tests.graphql.privacy.life import Stage
from tests.graphql.privacy.test_erasing import MAIL, erase, token_of
from tests.support.money import place
from tests.support.servers import until
from tests.support.shop import Sale


async def account_of(stage: Stage, token: str) -> Account:
    """Return who orders, as a request has read him at its begin."""
    principal = await (await stage.api.context(bearer=token)).authenticate_customer()
    customer = principal.customer
    return Account(
        customer_id=customer.id,
        shop_id=customer.shop_id,
        email=customer.email,
        sign_in_id=principal.grant_id,
    )


async def test_who_has_been_erased_meanwhile_orders_nothing(stage: Stage) -> None:
    sale = await stage.open()
    token = await token_of(stage, sale)
    account = await account_of(stage, token)
    assert codes_of(await erase(stage, token)) == []

    with pytest.raises(SessionEnded):
        await place(sale, email=MAIL, account=account)

    assert await Order.all().count() == 0
    assert await stage.broken() == []


async def test_control_an_order_that_does_not_look_stays_with_his_address(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def without_looking(work: UnitOfWork, wanted: Sequence[NewOrder], **more: Any) -> bool:
        blind = [replace(new, sign_in_id=None) for new in wanted]
        return await write_orders(work, blind, **more)

    monkeypatch.setattr(together, "write_orders", without_looking)
    sale = await stage.open()
    token = await token_of(stage, sale)
    account = await account_of(stage, token)
    assert codes_of(await erase(stage, token)) == []

    await place(sale, email=MAIL, account=account)

    assert (await Order.get()).buyer["email"] == MAIL


async def test_erasing_waits_for_an_order_under_way(stage: Stage) -> None:
    sale = await stage.open()
    token = await token_of(stage, sale)
    account = await account_of(stage, token)
    is_written = asyncio.Event()

    async def somebody_waits() -> bool:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return bool(await stage.admin.fetchval(f"{waiting} AND datname = current_database()"))

    @shielded
    async def order_slowly(sale: Sale) -> OrderView:
        async with unit_of_work():
            order = await place(sale, email=MAIL, account=account)
            is_written.set()
            await until(somebody_waits, seconds=60)
        return order

    async def erase_then() -> dict[str, Any]:
        await is_written.wait()
        return await erase(stage, token)

    _, erased = await asyncio.gather(order_slowly(sale), erase_then())

    assert (erased["userErrors"], erased["erasure"]["orders"]) == ([], 1)
    assert (await Order.get()).buyer["email"] == ""
    assert await stage.broken() == []
