"""What a merchant decides about an order, and what is looked at afterwards."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import (
    DomainError,
    FieldConflict,
)
from headless_presale.kernel.events import Actor, acting_as
from headless_presale.orders import (
    CancelOrder,
    CancelTerms,
    MerchantRefund,
    OrderView,
    RefundOrder,
    RefundWish,
    cancel_order_by_merchant,
    refund_order,
    sweep_orders,
)
from headless_presale.payments import PaymentLeg, Refund
from tests.support.invariants import broken_invariants
from tests.support.money import (
    place,
)
from tests.support.shop import Sale
from tests.support.state import stored_rows
from tests.support.till import Till

STAFF = Actor(kind="staff", id=str(uuid4()), label="lin@forge.example", client_id="admin")


async def in_two_parts(sale: Sale, till: Till, clock: ManualClock) -> OrderView:
    """Return an order of which 20.00 were paid here and 80.00 at another gateway; version 4."""
    order = await till.pay(await place(sale), PaymentLeg.DEPOSIT)
    clock.advance(timedelta(days=9))
    await sweep_orders()
    return await till.pay(order, PaymentLeg.BALANCE, gateway="other")


def own(order: OrderView, key: str) -> dict[str, Any]:
    """Return what every command about an order says of it."""
    return {"shop_ids": [order.shop_id], "order_id": order.id, "idempotency_key": key}


def refund_of(order: OrderView, minor: int = 3_000, key: str = "r1", **changes: Any) -> RefundOrder:
    """Return the command that gives an amount back, as the order was read."""
    values = {
        "wish": RefundWish(minor),
        "reason": "a scratch on the box",
        "version": order.version,
    }
    return RefundOrder(**{**own(order, key), **values, **changes})


def cancel_of(
    order: OrderView, terms: CancelTerms = CancelTerms.POLICY, key: str = "c1", **changes: Any
) -> CancelOrder:
    """Return the command that cancels an order, as it was read."""
    values = {"terms": terms, "reason": "the kiln broke", "version": order.version}
    return CancelOrder(**{**own(order, key), **values, **changes})


async def refund(command: RefundOrder) -> MerchantRefund:
    """Give money back, as a member of the staff."""
    with acting_as(STAFF):
        return await refund_order(command)


async def cancel(command: CancelOrder) -> None:
    """Cancel an order, as a member of the staff."""
    with acting_as(STAFF):
        await cancel_order_by_merchant(command)


async def refused(
    deed: Awaitable[object], error: type[DomainError], admin: asyncpg.Connection
) -> DomainError:
    """Wait for a refusal; nothing has changed by it."""
    before = await stored_rows(admin)
    with pytest.raises(error) as caught:
        await deed
    assert await stored_rows(admin) == before
    return caught.value


def conflict_of(error: DomainError) -> FieldConflict:
    """Return the one field in which a stale request differs."""
    (conflict,) = cast(tuple[FieldConflict, ...], error.params["conflicts"])
    return conflict


async def broken(admin: asyncpg.Connection) -> list[str]:
    """Return what should hold of the database and does not."""
    return list(await broken_invariants(admin))


async def given_back() -> list[tuple[str, int]]:
    """Return the gateway and the amount of each refund there is, in order."""
    refunds = await Refund.all().order_by("created_at", "id").prefetch_related("payment")
    return sorted((r.payment.gateway, r.amount_minor) for r in refunds)
