"""What every scenario acts on: the shop's engines, a real gateway, and hands to look with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from headless_presale.audits import audit_database, audit_redis
from headless_presale.checkout import drain
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import OrderStatus, OrderView
from headless_presale.payments import Payment, PaymentLeg, get_gateway, reconcile_refunds
from headless_presale.payments.gateways import GatewayNotice
from headless_presale.slots import reconcile_pool
from headless_presale.slots.admission import RESERVATION_TTL_SECONDS
from tests.support.gateway import SandboxRun
from tests.support.money import open_deposit_sale, place, read, start, work_off
from tests.support.receiver import Receiver
from tests.support.shop import Sale

HOLD = timedelta(minutes=20)
"""Longer than any hold here lasts."""


@dataclass
class World:
    """The shop of one case, empty when the case begins."""

    admin: asyncpg.Connection
    redis: Redis
    sandbox: SandboxRun
    receiver: Receiver
    clock: ManualClock
    sale: Sale

    async def order(self, **wish: Any) -> OrderView:
        """Place an order that is not part of what is tried."""
        placed = await place(self.sale, **wish)
        await drain()
        return placed

    async def started(self, order: OrderView) -> Payment:
        """Start paying the deposit."""
        return await start(order, PaymentLeg.DEPOSIT)

    async def capture_notice(self, payment: Payment) -> GatewayNotice:
        """Pay at the gateway; return what it would tell the shop."""
        await self.sandbox.pay(payment)
        return await self.notice(payment, "payment_intent.succeeded")

    async def notice(self, payment: Payment, kind: str, **changes: Any) -> GatewayNotice:
        """Return what the gateway says of an intent at this moment."""
        assert payment.intent_id
        intent = await get_gateway("sandbox").get_intent(payment.intent_id)
        return GatewayNotice(event_id=f"evt-{payment.id}", type=kind, intent=intent, **changes)

    async def status(self, order_id: UUID) -> OrderStatus:
        """Return where an order is."""
        return (await read(order_id)).status

    async def count(self, sql: str, *args: object) -> int:
        """Return the one number of a query."""
        number: int = await self.admin.fetchval(sql, *args)
        return number

    async def entries(self, action: str) -> int:
        """Return how often the log has an action."""
        return await self.count("SELECT count(*) FROM audit_entry WHERE action = $1", action)

    async def owned(self, order_id: UUID) -> int:
        """Return how many slots an order owns."""
        return await self.count("SELECT count(*) FROM slot WHERE order_id = $1", order_id)

    async def let_refunds_settle(self) -> None:
        """Have refunds submitted, and what the gateway did of them looked up."""
        await work_off(self.admin, "payments")
        self.clock.advance(timedelta(minutes=5))
        await reconcile_refunds()

    async def come_to_rest(self) -> None:
        """Let the reconciler look twice, a reservation's lifetime apart and more."""
        await drain()
        for passes in (1, 2, 3):
            now_ms = await self._redis_ms() + passes * (RESERVATION_TTL_SECONDS + 1) * 1_000
            for item in self.sale.campaign.items:
                await reconcile_pool(item.pool_id, now_ms=now_ms)

    async def _redis_ms(self) -> int:
        seconds, micros = await self.redis.time()
        return int(seconds) * 1_000 + int(micros) // 1_000

    async def broken(self) -> list[str]:
        """Return the sentences of the database that do not hold."""
        return [f.sentence for f in await audit_database(self.admin) if not f.holds]

    async def broken_in_redis(self) -> list[str]:
        """Return the sentences about Redis that do not hold."""
        return [f.sentence for f in await audit_redis(self.admin, self.redis) if not f.holds]


@dataclass(frozen=True)
class Scenario:
    """One use case that may die anywhere.

    Attributes:
        prepare: makes what it needs and returns the argument of ``act``.
        act: what the process was asked to do. It is done again after the death, as a client, a
            gateway or a worker does with what was not answered.
        check: says what must be true in the end, however far the first attempt came.
        broken: audits that find something here by intent, to the end.
        broken_before: audits that find something until it is done again.
    """

    name: str
    prepare: Callable[[World], Awaitable[Any]]
    act: Callable[[Any], Awaitable[object]]
    check: Callable[[World, Any], Awaitable[None]]
    has_redis: bool = True
    broken: tuple[str, ...] = ()
    broken_before: tuple[str, ...] = ()


async def new_sale() -> Sale:
    """Open a deposit campaign of two items, ten slots each."""
    return await open_deposit_sale(skus=("FOX-1", "FOX-2"), capacity=10, limit=5)
