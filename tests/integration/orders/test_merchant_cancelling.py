"""What a merchant cancels: once, on the terms that he saw, and recorded."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import (
    DomainError,
    InvalidInput,
    VersionConflict,
)
from headless_presale.notifications import Message, MessageKind
from headless_presale.orders import (
    CancelNotAllowed,
    CancelTerms,
    OrderNotFound,
    OrderStatus,
    OrderView,
    cancel_order,
    sweep_orders,
)
from headless_presale.payments import IdempotencyMismatch, PaymentLeg
from tests.integration.orders.deciding import (
    broken,
    cancel,
    cancel_of,
    conflict_of,
    given_back,
    in_two_parts,
    refund,
    refund_of,
    refused,
)
from tests.support.money import (
    books_of,
    owned_numbers,
    place,
    read,
)
from tests.support.shop import Sale, open_sale
from tests.support.state import stored_rows
from tests.support.till import Till


class TestCancelling:
    async def test_by_the_policy_its_share_goes_back_and_the_rest_is_kept(
        self, sale: Sale, till: Till, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        # given: paid in full, where the policy keeps the deposit; 10.00 went back before
        order = await in_two_parts(sale, till, clock)
        await refund(refund_of(order, 1_000))
        again = await read(order.id)

        await cancel(cancel_of(again))

        after = await read(order.id)
        assert (after.status, after.closed_reason) == (OrderStatus.CANCELLED, "the kiln broke")
        assert await owned_numbers(database_admin, order.id) == []
        assert await given_back() == [("other", 1_000), ("other", 8_000 - 1_000)]
        assert await books_of(order.id) == {
            "GATEWAY": 10_000,
            "REFUNDS_PAYABLE": -8_000,
            "FORFEITED_DEPOSITS": -2_000,
        }
        entry = await AuditEntry.get(action="order.cancel")
        assert (entry.before, entry.after) == (
            {"status": "PAID"},
            {
                "status": "CANCELLED",
                "reason": "the kiln broke",
                "terms": "POLICY",
                "refund_minor": 7_000,
                "kept_minor": 2_000,
            },
        )
        message = await Message.get(kind=MessageKind.ORDER_CANCELLED)
        said = message.context
        assert (said["is_by_shop"], said["shop_reason"]) == (True, "the kiln broke")
        assert [
            said[name]
            for name in ("paid_minor", "refunded_before_minor", "refunded_minor", "kept_minor")
        ] == [10_000, 1_000, 7_000, 2_000]
        assert await broken(database_admin) == []

    async def test_in_full_all_that_is_held_goes_back(
        self, sale: Sale, till: Till, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        order = await in_two_parts(sale, till, clock)

        await cancel(cancel_of(order, CancelTerms.FULL_REFUND))

        assert await given_back() == [("other", 8_000), ("sandbox", 2_000)]
        assert await books_of(order.id) == {"GATEWAY": 10_000, "REFUNDS_PAYABLE": -10_000}
        assert await broken(database_admin) == []

    async def test_an_unpaid_order_gives_its_slots_back_and_nobody_is_written_to(
        self, sale: Sale, database_admin: asyncpg.Connection
    ) -> None:
        order = await place(sale)

        await cancel(cancel_of(order))

        assert (await read(order.id)).status is OrderStatus.CANCELLED
        assert await owned_numbers(database_admin, order.id) == []
        assert await Message.all().count() == 0
        assert await broken(database_admin) == []

    async def test_the_same_key_is_the_same_cancellation(
        self, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        await cancel(cancel_of(paid))
        before = await stored_rows(database_admin)

        await cancel(cancel_of(paid))

        assert await stored_rows(database_admin) == before
        other = cancel_of(paid, CancelTerms.FULL_REFUND)
        await refused(cancel(other), IdempotencyMismatch, database_admin)

    async def test_what_the_buyer_has_cancelled_was_not_cancelled_by_the_merchant(
        self, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        await cancel_order(paid.id, reason="changed my mind")

        error = await refused(
            cancel(cancel_of(paid, CancelTerms.FULL_REFUND)), CancelNotAllowed, database_admin
        )

        assert error.params["status"] == "CANCELLED"

    async def test_who_did_not_see_the_balance_come_decides_anew(
        self, sale: Sale, till: Till, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        # given: read while the balance was awaited, paid meanwhile
        order = await till.pay(await place(sale), PaymentLeg.DEPOSIT)
        clock.advance(timedelta(days=9))
        await sweep_orders()
        as_read = await read(order.id)
        await till.pay(order, PaymentLeg.BALANCE)

        error = await refused(cancel(cancel_of(as_read)), VersionConflict, database_admin)

        conflict = conflict_of(error)
        assert (conflict.yours, conflict.current) == ('"CANCELLED"', '"PAID"')

    async def test_where_the_policy_lets_nobody_go_only_a_full_refund_does(
        self, clock: ManualClock, till: Till, database_admin: asyncpg.Connection
    ) -> None:
        sale = await open_sale(capacity=10, cancel_policy={"paid": {"allowed": False}})
        order = await till.pay(await place(sale))

        await refused(cancel(cancel_of(order)), CancelNotAllowed, database_admin)
        await cancel(cancel_of(order, CancelTerms.FULL_REFUND))

        assert await given_back() == [("sandbox", 10_000)]

    async def test_a_missed_balance_keeps_what_is_still_held(
        self, sale: Sale, till: Till, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        # given: 5.00 of the deposit of 20.00 went back
        order = await till.pay(await place(sale), PaymentLeg.DEPOSIT)
        await refund(refund_of(order, 500))
        for days in (9, 5, 3):
            clock.advance(timedelta(days=days))
            await sweep_orders()

        assert (await read(order.id)).status is OrderStatus.FORFEITED
        assert await books_of(order.id) == {
            "GATEWAY": 2_000,
            "REFUNDS_PAYABLE": -500,
            "FORFEITED_DEPOSITS": -1_500,
        }
        assert await broken(database_admin) == []

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"shop_ids": [uuid4()]}, OrderNotFound),
            ({"reason": ""}, InvalidInput),
            ({"version": 9}, VersionConflict),
        ],
    )
    async def test_what_cannot_be_done_changes_nothing(
        self,
        paid: OrderView,
        changes: dict[str, Any],
        error: type[DomainError],
        database_admin: asyncpg.Connection,
    ) -> None:
        await refused(cancel(cancel_of(paid, **changes)), error, database_admin)
