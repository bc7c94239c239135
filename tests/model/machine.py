"""The machine: it does at random what buyers, merchants, gateways and failures do.

After every step the shop must be as the model says, and every audit of the database must hold.
Redis may be wiped or brought back from an older state at any time; until it has been reconciled it
may refuse what could be had, but it never sells what could not.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from hypothesis.stateful import invariant

from headless_presale.checkout import drain, place_order
from headless_presale.orders import OrderView
from headless_presale.payments import PaymentStatus
from headless_presale.payments.gateways.port import GatewayRefundStatus, IntentStatus
from headless_presale.slots import Admitted, admit
from tests.model.befalling import BefallenExample
from tests.model.example import MOST_ROUNDS, code_of, on_loop

Found = dict[str, list[list[Any]]]
"""Rows by the name of the question: see World.look."""


class PresaleMachine(BefallenExample):
    """What must hold after every step, and when all has come to rest."""

    # What must hold

    @invariant()
    @on_loop
    async def the_shop_is_as_the_model_says(self) -> None:
        self.tally.steps += 1
        await drain()
        await self.audit()
        found = await self.world.look(self.pools)
        self._compare_orders(found)
        self._compare_money(found)
        self.model.met |= {str(order.status) for order in self.model.orders.values()}
        self.model.met |= {r for p in self.model.payments.values() for r in p.refunds}

    def _compare_orders(self, found: Found) -> None:
        assert {
            UUID(order_id): (status, is_reminded, due_at and datetime.fromisoformat(due_at))
            for order_id, status, is_reminded, due_at in found["orders"]
        } == {
            o.id: (o.status, o.is_reminded, o.due_at if o.deposit_minor else None)
            for o in self.model.orders.values()
        }
        owners = {
            (pool_id, number): order.id
            for order in self.model.orders.values()
            if order.is_owner
            for pool, numbers in order.numbers.items()
            for pool_id, number in ((self.pools[pool], n) for n in numbers)
        }
        assert {
            (UUID(pool_id), number): owner and UUID(owner)
            for pool_id, number, owner in found["slots"]
        } == {
            (pool_id, number): owners.get((pool_id, number))
            for pool_id, pool in zip(self.pools, self.model.pools, strict=True)
            for number in pool.numbers
        }
        assert {(UUID(p), UUID(customer)): taken for p, customer, taken in found["quotas"]} == {
            (self.pools[pool], self._customer_id(customer)): taken
            for customer in {order.customer for order in self.model.orders.values()}
            for pool in (0, 1)
            if (taken := self.model.taken(pool, customer))
        }

    def _compare_money(self, found: Found) -> None:
        assert {UUID(payment_id): rest for payment_id, *rest in found["payments"]} == {
            p.id: [p.status, p.amount_minor] for p in self.model.payments.values()
        }
        assert {
            (UUID(payment_id), reason): minor for payment_id, reason, minor, *_ in found["refunds"]
        } == {
            (payment.id, reason): minor
            for payment in self.model.payments.values()
            for reason, minor in payment.refunds.items()
        }
        paid_back: dict[UUID, int] = {}
        for payment_id, _, minor, status, refund_id, attempts in found["refunds"]:
            if status == "SUCCEEDED":
                payment = self.model.payments[UUID(payment_id)]
                told = self.world.gateways[payment.gateway].refunds[f"{refund_id}-{attempts}"]
                assert told.status is GatewayRefundStatus.SUCCEEDED
                paid_back[payment.order.id] = paid_back.get(payment.order.id, 0) + minor
        expected: dict[tuple[UUID, str], int] = {}
        for order in self.model.orders.values():
            captured = sum(p.amount_minor for p in order.payments if p.is_captured)
            owed = sum(sum(p.refunds.values()) for p in order.payments)
            kept = sum(p.kept_minor for p in order.payments)
            back = paid_back.get(order.id, 0)
            expected |= {
                (order.id, "GATEWAY"): captured - back,
                (order.id, "CUSTOMER_FUNDS"): owed + kept - captured,
                (order.id, "REFUNDS_PAYABLE"): back - owed,
                (order.id, "FORFEITED_DEPOSITS"): -kept,
            }
        assert {
            (UUID(order_id), account): minor for order_id, account, minor in found["books"]
        } == {key: minor for key, minor in expected.items() if minor}

    # The end

    @on_loop
    async def _finish_example(self) -> None:
        await drain()
        await self._reconcile()
        await self._sell_the_rest()
        await self._come_to_rest()

    def teardown(self) -> None:
        if self.is_sound and hasattr(self, "model"):
            self._finish_example()
            self.the_shop_is_as_the_model_says()
            self.tally.met.update(self.model.met)

    async def _sell_the_rest(self) -> None:
        """Every free number can be had: by orders while the campaign sells, else of Redis."""
        if self.model.is_cancelled:
            return
        for pool in (0, 1):
            free = self.model.free(pool)
            limit = self.model.pools[pool].limit or 3
            for first in range(0, len(free), limit):
                numbers = free[first : first + limit]
                await self._sell(pool, numbers, f"rest-{pool}-{first}@example.com")
            if self.model.is_selling:
                wish = (1, 0) if pool == 0 else (0, 1)
                last = await self._attempt(
                    place_order(self._command("late@example.com", "late", wish))
                )
                assert code_of(last) == "SLOTS_SOLD_OUT", last

    async def _sell(self, pool: int, numbers: list[int], customer: str) -> None:
        if self.model.is_selling:
            wish = tuple(len(numbers) if index == pool else 0 for index in (0, 1))
            view = await self._attempt(place_order(self._command(customer, "rest", wish)))
            assert isinstance(view, OrderView), f"undersold: {numbers} are free, but {view!r}"
            await drain()
            self._write_down(view, customer, "rest", wish)
            return
        reservation = self._order_id(customer, "rest")
        given = await admit(
            self.pools[pool], reservation, self._customer_id(customer), len(numbers)
        )
        assert given == Admitted(tuple(numbers), is_repeat=False), f"undersold: {given}"
        self.is_redis_exact = False

    async def _come_to_rest(self) -> None:
        """All money ends up where it belongs, though no notice arrives any more."""
        for gateway in self.world.gateways.values():
            gateway.notices.clear()
        for _ in range(MOST_ROUNDS):
            await self._work()
            for gateway, key in self._refunds():
                gateway.settle_refund(key, GatewayRefundStatus.SUCCEEDED)
            self._advance(3_600)
            await self._ask_gateways()
            if not await self._is_anything_open():
                break
        else:
            raise AssertionError("refunds or jobs stay open")
        for payment in self.model.payments.values():
            if payment.intent_id is None:
                continue
            gateway = self.world.gateways[payment.gateway]
            status = gateway.intents[payment.intent_id].status
            assert payment.is_captured == (status is IntentStatus.CAPTURED)
            assert (payment.status is PaymentStatus.PENDING) == (status is IntentStatus.PENDING)
            assert gateway.given_back(payment.intent_id) == sum(payment.refunds.values())

    async def _is_anything_open(self) -> bool:
        is_open: bool = await self.world.admin.fetchval(
            "SELECT EXISTS (SELECT 1 FROM refund WHERE status <> 'SUCCEEDED') "
            "OR EXISTS (SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' "
            "  AND split_part(task_name, ':', 1) IN ('payments', 'orders'))"
        )
        return is_open
