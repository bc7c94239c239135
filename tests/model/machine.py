"""The machine: it does at random what buyers, merchants, gateways and failures do.

After every step the shop must be as the model says, and every audit of the database must hold.
Redis may be wiped or brought back from an older state at any time; until it has been reconciled it
may refuse what could be had, but it never sells what could not.
"""

from uuid import UUID

from hypothesis.stateful import invariant

from headless_presale.checkout import drain, place_order
from headless_presale.orders import (
    OrderStatus,
)
from headless_presale.payments import (
    PaymentStatus,
)
from headless_presale.payments.gateways.port import GatewayRefundStatus, IntentStatus
from headless_presale.slots import Admitted, admit
from tests.model.befalling import BefallenExample
from tests.model.example import MOST_ROUNDS, attempt, code_of, on_loop


class PresaleMachine(BefallenExample):
    """What must hold after every step, and when all has come to rest."""

    # What must hold

    @invariant()
    @on_loop
    async def the_shop_is_as_the_model_says(self) -> None:
        self.tally.steps += 1
        await drain()
        await self.audit()
        await self._compare_orders()
        await self._compare_money()

    async def _compare_orders(self) -> None:
        rows = await self.world.admin.fetch(
            "SELECT o.id, o.status, o.reminded_at IS NOT NULL AS is_reminded, "
            "  (SELECT array_agg(s.number ORDER BY s.number) FROM slot s "
            "   WHERE s.order_id = o.id AND s.pool_id = $1) AS first, "
            "  (SELECT array_agg(s.number ORDER BY s.number) FROM slot s "
            "   WHERE s.order_id = o.id AND s.pool_id = $2) AS second FROM sales_order o",
            *self.pools,
        )
        found = {
            row["id"]: (
                OrderStatus(row["status"]),
                row["is_reminded"],
                (row["first"] or [], row["second"] or []),
            )
            for row in rows
        }
        expected = {
            order.id: (
                order.status,
                order.is_reminded,
                tuple(
                    sorted(order.numbers.get(pool, ())) if order.is_owner else [] for pool in (0, 1)
                ),
            )
            for order in self.model.orders.values()
        }
        assert found == expected
        free = await self.world.admin.fetch(
            "SELECT pool_id, count(*) AS free FROM slot WHERE order_id IS NULL "
            "AND pool_id = ANY($1::uuid[]) GROUP BY pool_id",
            self.pools,
        )
        assert {self.pools.index(row["pool_id"]): row["free"] for row in free} == {
            pool: len(self.model.free(pool)) for pool in (0, 1) if self.model.free(pool)
        }
        quotas = await self.world.admin.fetch(
            "SELECT pool_id, customer_id, taken FROM customer_quota WHERE taken > 0"
        )
        assert {
            (self.pools.index(row["pool_id"]), row["customer_id"]): row["taken"] for row in quotas
        } == {
            (pool, self._customer_id(customer)): taken
            for customer in {order.customer for order in self.model.orders.values()}
            for pool in (0, 1)
            if (taken := self.model.taken(pool, customer))
        }

    async def _compare_money(self) -> None:
        payments = await self.world.admin.fetch("SELECT id, status, amount_minor FROM payment")
        assert {row["id"]: (row["status"], row["amount_minor"]) for row in payments} == {
            p.id: (p.status, p.amount_minor) for p in self.model.payments.values()
        }
        refunds = await self.world.admin.fetch(
            "SELECT payment_id, reason, amount_minor, status, id, attempts FROM refund"
        )
        assert {(row["payment_id"], row["reason"]): row["amount_minor"] for row in refunds} == {
            (payment.id, reason): minor
            for payment in self.model.payments.values()
            for reason, minor in payment.refunds.items()
        }
        paid_back: dict[UUID, int] = {}
        for row in refunds:
            if row["status"] == "SUCCEEDED":
                payment = self.model.payments[row["payment_id"]]
                told = self.world.gateways[payment.gateway].refunds[
                    f"{row['id']}-{row['attempts']}"
                ]
                assert told.status is GatewayRefundStatus.SUCCEEDED
                paid_back[payment.order.id] = (
                    paid_back.get(payment.order.id, 0) + row["amount_minor"]
                )
        books = await self.world.admin.fetch(
            "SELECT t.order_id, e.account, sum(e.amount_minor)::bigint AS minor "
            "FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id "
            "GROUP BY 1, 2 HAVING sum(e.amount_minor) <> 0"
        )
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
        assert {(row["order_id"], row["account"]): row["minor"] for row in books} == {
            key: minor for key, minor in expected.items() if minor
        }

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
            self.tally.reached.update(self._kinds())
            self.the_shop_is_as_the_model_says()

    def _kinds(self) -> set[str]:
        payments = self.model.payments.values()
        reasons = {reason for payment in payments for reason in payment.refunds}
        return {str(order.status) for order in self.model.orders.values()} | reasons

    async def _sell_the_rest(self) -> None:
        """Every free number can be had: by orders while the campaign sells, else of Redis."""
        if self.model.is_cancelled:
            return
        for pool in (0, 1):
            free = self.model.free(pool)
            limit = self.model.rules.limits[pool] or 3
            for first in range(0, len(free), limit):
                numbers = free[first : first + limit]
                await self._sell(pool, numbers, f"rest-{pool}-{first}@example.com")
            if self.model.is_selling:
                wish = (1, 0) if pool == 0 else (0, 1)
                last = await attempt(place_order(self._command("late@example.com", "late", wish)))
                assert code_of(last) == "SLOTS_SOLD_OUT", last

    async def _sell(self, pool: int, numbers: list[int], customer: str) -> None:
        if self.model.is_selling:
            wish = tuple(len(numbers) if index == pool else 0 for index in (0, 1))
            view = await place_order(self._command(customer, "rest", wish))
            await drain()
            self._write_down(view, customer, "rest", wish)
            return
        reservation = self._order_id(customer, "rest")
        given = await admit(
            self.pools[pool], reservation, self._customer_id(customer), len(numbers)
        )
        assert given == Admitted(tuple(numbers), is_repeat=False)

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
