"""What a merchant does to an order: each decision is made once, and carried out once."""

from typing import Any

from headless_presale.kernel.events import Actor, acting_as
from headless_presale.orders import (
    AddNote,
    CancelOrder,
    CancelTerms,
    OrderStatus,
    RefundOrder,
    RefundWish,
    RevokeToken,
    add_note,
    cancel_order_by_merchant,
    refund_order,
    revoke_order_token,
)
from headless_presale.payments import record_notice
from tests.failpoints.world import Scenario, World
from tests.support.money import books_of, read

STAFF = Actor(kind="staff", id="0195a1c0-0000-7000-8000-000000000001", label="lin@example.com")
DEPOSIT_MINOR = 2_000
GIVEN_BACK_MINOR = 500


async def _own(world: World) -> dict[str, Any]:
    """Return what names an order whose deposit is paid."""
    order = await world.order()
    await record_notice("sandbox", await world.capture_notice(await world.started(order)))
    return {
        "shop_ids": [order.shop_id],
        "order_id": order.id,
        "idempotency_key": "decided-once",
    }


async def _noting(world: World) -> AddNote:
    return AddNote(**await _own(world), text="called, wants it in blue")


async def _note(command: AddNote) -> object:
    with acting_as(STAFF):
        return await add_note(command)


async def _is_noted_once(world: World, command: AddNote) -> None:
    assert await world.admin.fetchval("SELECT string_agg(text, '|') FROM order_note") == (
        "called, wants it in blue"
    )
    assert await world.entries("order.note_add") == 1


async def _refunding(world: World) -> RefundOrder:
    own = await _own(world)
    return RefundOrder(
        **own,
        wish=RefundWish(amount_minor=GIVEN_BACK_MINOR),
        reason="a scratch on the box",
        version=2,
    )


async def _refund(command: RefundOrder) -> object:
    with acting_as(STAFF):
        return await refund_order(command)


async def _is_refunded_once(world: World, command: RefundOrder) -> None:
    await world.let_refunds_settle()
    order = await read(command.order_id)
    assert (order.status, order.version) == (OrderStatus.DEPOSIT_PAID, 3)
    assert await world.owned(order.id) == 1
    refunds = await world.sandbox.refunds()
    assert [(r["status"], r["amount"]) for r in refunds] == [("succeeded", GIVEN_BACK_MINOR)]
    left = DEPOSIT_MINOR - GIVEN_BACK_MINOR
    assert await books_of(order.id) == {"GATEWAY": left, "CUSTOMER_FUNDS": -left}
    assert await world.count("SELECT count(*) FROM message WHERE kind = 'order_refunded'") == 1
    assert await world.count("SELECT count(*) FROM event WHERE type = 'order.refunded'") == 1
    assert await world.entries("order.refund") == 1


async def _cancelling(world: World) -> CancelOrder:
    return CancelOrder(
        **await _own(world),
        terms=CancelTerms.FULL_REFUND,
        reason="the kiln broke",
        version=2,
    )


async def _cancel(command: CancelOrder) -> object:
    with acting_as(STAFF):
        return await cancel_order_by_merchant(command)


async def _is_cancelled_once(world: World, command: CancelOrder) -> None:
    await world.let_refunds_settle()
    order = await read(command.order_id)
    assert order.status is OrderStatus.CANCELLED
    assert await world.owned(order.id) == 0
    refunds = await world.sandbox.refunds()
    assert [(r["status"], r["amount"]) for r in refunds] == [("succeeded", DEPOSIT_MINOR)]
    assert await books_of(order.id) == {}
    assert await world.count("SELECT count(*) FROM message WHERE kind = 'order_cancelled'") == 1
    assert await world.entries("order.cancel") == 1


async def _revoking(world: World) -> RevokeToken:
    return RevokeToken(**await _own(world), version=2)


async def _revoke(command: RevokeToken) -> object:
    with acting_as(STAFF):
        return await revoke_order_token(command)


async def _is_revoked_once(world: World, command: RevokeToken) -> None:
    order = await read(command.order_id)
    assert (order.access_generation, order.version) == (1, 3)
    assert await world.count("SELECT count(*) FROM message WHERE kind = 'order_link_renewed'") == 1
    assert await world.count("SELECT count(*) FROM event WHERE type = 'order.token_revoked'") == 1
    assert await world.entries("order.token_revoke") == 1


SCENARIOS = [
    Scenario("noting", _noting, _note, _is_noted_once),
    Scenario("giving money back", _refunding, _refund, _is_refunded_once),
    Scenario("taking an order's token back", _revoking, _revoke, _is_revoked_once),
    Scenario("cancelling by the merchant", _cancelling, _cancel, _is_cancelled_once),
]
