"""What a merchant gives back: once, never too much, only of his own orders, and recorded."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

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
    CancelTerms,
    LineQuantity,
    MerchantRefund,
    Order,
    OrderLineNotFound,
    OrderNotFound,
    OrderStatus,
    OrderView,
    RefundNotAllowed,
    RefundTooLarge,
    RefundWish,
    cancel_order,
    merchant,
)
from headless_presale.payments import IdempotencyMismatch, PaymentLeg, Refund, list_held
from headless_presale.payments.gateways.port import GatewayError
from headless_presale.payments.refunds import submit_refund
from tests.integration.orders.deciding import (
    STAFF,
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
from tests.support.memory_gateway import Trouble
from tests.support.money import (
    books_of,
    history_of,
    owned_numbers,
    place,
    read,
    work_off,
)
from tests.support.shop import Sale
from tests.support.state import stored_rows
from tests.support.till import Till


class TestRefunds:
    async def test_the_order_goes_on_and_everybody_is_told(
        self, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        decided = await refund(refund_of(paid))

        after = await read(paid.id)
        assert (after.status, after.version) == (OrderStatus.PAID, 2 + 1)
        assert len(await owned_numbers(database_admin, paid.id)) == 2
        assert (decided.amount_minor, decided.author_label) == (3_000, "lin@forge.example")
        assert await books_of(paid.id) == {
            "GATEWAY": 20_000,
            "CUSTOMER_FUNDS": -17_000,
            "REFUNDS_PAYABLE": -3_000,
        }
        history = await history_of(database_admin, paid.id)
        assert [(kind, actor, why) for kind, actor, _, why in history[-2:]] == [
            ("order.refunded", str(STAFF), "a scratch on the box"),
            ("refund.requested", str(STAFF), decided.cause),
        ]
        entry = await AuditEntry.get(action="order.refund")
        assert (entry.owner_id, entry.subject_label) == (paid.shop_id, paid.number)
        assert (entry.before, entry.after) == (
            {"refunded_minor": 0},
            {"refunded_minor": 3_000, "reason": "a scratch on the box"},
        )
        message = await Message.get(kind=MessageKind.ORDER_REFUNDED)
        assert message.subject_id == decided.id
        assert message.context["shop_reason"] == "a scratch on the box"
        assert await broken(database_admin) == []

    async def test_it_takes_from_the_latest_payment_first(
        self, sale: Sale, till: Till, clock: ManualClock, database_admin: asyncpg.Connection
    ) -> None:
        order = await in_two_parts(sale, till, clock)

        await refund(refund_of(order, 9_000))

        assert await given_back() == [("other", 8_000), ("sandbox", 9_000 - 8_000)]
        assert await MerchantRefund.all().count() == 1
        assert await broken(database_admin) == []

    async def test_units_give_back_what_was_paid_for_them(
        self, sale: Sale, till: Till, paid: OrderView
    ) -> None:
        half_paid = await till.pay(await place(sale, quantity=2), PaymentLeg.DEPOSIT)
        wish = RefundWish(lines=[LineQuantity(half_paid.lines[0].id, 1)])

        # A unit at 100.00, of which a fifth is paid
        assert (await refund(refund_of(half_paid, wish=wish))).amount_minor == 2_000

    async def test_the_same_key_is_the_same_refund_also_when_the_order_went_on(
        self, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        command = refund_of(paid)
        first = await refund(command)
        before = await stored_rows(database_admin)

        again = await refund(command)

        assert again.id == first.id
        assert await stored_rows(database_admin) == before

    async def test_at_once_the_same_key_is_one_refund(self, paid: OrderView) -> None:
        made = await asyncio.gather(*(refund(refund_of(paid)) for _ in range(8)))

        assert len({decided.id for decided in made}) == 1
        assert await given_back() == [("sandbox", 3_000)]

    @pytest.mark.parametrize(
        "changes",
        [
            {"wish": RefundWish(3_001)},
            {"reason": "another"},
            {"wish": RefundWish(lines=[LineQuantity(UUID(int=1), 1)])},
        ],
    )
    async def test_the_same_key_for_another_refund_is_refused(
        self, paid: OrderView, changes: dict[str, Any], database_admin: asyncpg.Connection
    ) -> None:
        await refund(refund_of(paid))

        error = await refused(
            refund(refund_of(paid, **changes)), IdempotencyMismatch, database_admin
        )

        assert error.field == ("idempotencyKey",)

    async def test_who_read_an_older_version_is_told_both_values(
        self, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        await refund(refund_of(paid))

        error = await refused(
            refund(refund_of(paid, 5_000, key="r2")), VersionConflict, database_admin
        )

        assert error.params["current_version"] == 3
        conflict = conflict_of(error)
        assert (conflict.field, conflict.yours, conflict.current) == (
            "refundedMinor",
            "8000",
            "3000",
        )

    async def test_never_more_than_is_held(
        self, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        await refund(refund_of(paid, 15_000))
        again = await read(paid.id)

        error = await refused(
            refund(refund_of(again, 5_001, key="r2")), RefundTooLarge, database_admin
        )

        assert str(error.params["money"]) == "50.00 CNY"
        await refund(refund_of(again, 5_000, key="r2"))
        assert await books_of(paid.id) == {"GATEWAY": 20_000, "REFUNDS_PAYABLE": -20_000}
        assert (await read(paid.id)).status is OrderStatus.PAID
        assert await broken(database_admin) == []

    async def test_of_two_at_once_that_read_the_same_one_is_done(self, paid: OrderView) -> None:
        outcomes = await asyncio.gather(
            *(refund(refund_of(paid, 15_000, key=f"r{n}")) for n in range(4)),
            return_exceptions=True,
        )

        assert sorted(type(outcome).__name__ for outcome in outcomes) == [
            "MerchantRefund",
            "VersionConflict",
            "VersionConflict",
            "VersionConflict",
        ]
        assert await given_back() == [("sandbox", 15_000)]

    async def test_at_once_they_never_exceed_what_is_held_whatever_they_read(
        self, paid: OrderView, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # given: versions that nobody compares
        monkeypatch.setattr(merchant, "check_version", lambda **_: None)

        outcomes = await asyncio.gather(
            *(refund(refund_of(paid, 15_000, key=f"r{n}")) for n in range(4)),
            return_exceptions=True,
        )

        assert sorted(type(outcome).__name__ for outcome in outcomes) == [
            "MerchantRefund",
            "RefundTooLarge",
            "RefundTooLarge",
            "RefundTooLarge",
        ]
        assert await given_back() == [("sandbox", 15_000)]

    async def test_control_without_the_locks_they_exceed_it(
        self, paid: OrderView, monkeypatch: pytest.MonkeyPatch, database_admin: asyncpg.Connection
    ) -> None:
        # given: no lock of the order, none of the payment, and all look before one of them acts
        all_looked = asyncio.Barrier(4)

        async def look_only(order_id: UUID, **_: Any) -> Any:
            return await Order.get(id=order_id)

        async def look_together(order_id: UUID) -> Any:
            found = await list_held(order_id)
            await all_looked.wait()
            return found

        async def owe_unseen(work: Any, payment_id: UUID, amount: Any, *, reason: str) -> Refund:
            return await Refund.create(
                id=uuid4(),
                payment_id=payment_id,
                status="REQUESTED",
                amount_minor=amount.amount_minor,
                currency=amount.currency,
                reason=reason,
                created_at=paid.placed_at,
            )

        with monkeypatch.context() as unguarded:
            unguarded.setattr(merchant, "check_version", lambda **_: None)
            unguarded.setattr(merchant, "lock_order", look_only)
            unguarded.setattr(merchant, "list_held", look_together)
            unguarded.setattr(merchant, "request_refund", owe_unseen)
            await asyncio.gather(*(refund(refund_of(paid, 15_000, key=f"r{n}")) for n in range(4)))

        assert await given_back() == [("sandbox", 15_000)] * 4
        assert "refunds never exceed what was captured" in await broken(database_admin)

    async def test_a_cancellation_at_the_same_moment_and_a_refund_share_what_is_held(
        self, paid: OrderView, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(merchant, "check_version", lambda **_: None)

        await asyncio.gather(
            refund(refund_of(paid, 15_000)),
            cancel(cancel_of(paid, CancelTerms.FULL_REFUND)),
            return_exceptions=True,
        )

        assert sum(minor for _, minor in await given_back()) == 20_000
        assert await broken(database_admin) == []

    @pytest.mark.parametrize(
        ("changes", "error", "field"),
        [
            ({"shop_ids": []}, OrderNotFound, ("orderId",)),
            ({"shop_ids": [uuid4()]}, OrderNotFound, ("orderId",)),
            ({"order_id": uuid4()}, OrderNotFound, ("orderId",)),
            ({"reason": "  "}, InvalidInput, ("reason",)),
            ({"reason": "x" * 201}, InvalidInput, ("reason",)),
            ({"reason": "a\x00"}, InvalidInput, ("reason",)),
            ({"idempotency_key": ""}, InvalidInput, ("idempotencyKey",)),
            ({"idempotency_key": "x" * 201}, InvalidInput, ("idempotencyKey",)),
            ({"wish": RefundWish()}, InvalidInput, ("amountMinor",)),
            ({"wish": RefundWish(0)}, InvalidInput, ("amountMinor",)),
            (
                {"wish": RefundWish(lines=[LineQuantity(uuid4(), 1)])},
                OrderLineNotFound,
                ("lines", "0", "lineId"),
            ),
            ({"version": 1}, VersionConflict, ("version",)),
        ],
    )
    async def test_what_cannot_be_done_names_its_field_and_changes_nothing(
        self,
        paid: OrderView,
        changes: dict[str, Any],
        error: type[DomainError],
        field: tuple[str, ...],
        database_admin: asyncpg.Connection,
    ) -> None:
        said = await refused(refund(refund_of(paid, **changes)), error, database_admin)

        assert said.field == field

    async def test_nothing_of_an_unpaid_or_an_ended_order_is_given_back(
        self, sale: Sale, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        unpaid = await place(sale)
        await refused(refund(refund_of(unpaid)), RefundNotAllowed, database_admin)
        await cancel_order(paid.id, reason="changed my mind")
        over = await read(paid.id)
        await refused(refund(refund_of(over)), RefundNotAllowed, database_admin)

    async def test_an_order_takes_so_many_refunds(
        self, paid: OrderView, monkeypatch: pytest.MonkeyPatch, database_admin: asyncpg.Connection
    ) -> None:
        monkeypatch.setattr(merchant, "MOST_REFUNDS", 1)
        await refund(refund_of(paid))
        again = await read(paid.id)

        await refused(refund(refund_of(again, key="r2")), InvalidInput, database_admin)

    async def test_a_gateway_that_is_away_changes_nothing_of_what_is_owed(
        self, paid: OrderView, till: Till, database_admin: asyncpg.Connection
    ) -> None:
        # given: the gateway does not answer, then does it but its answer is lost
        await refund(refund_of(paid))
        owed = await Refund.get()
        for trouble in (Trouble.SILENT, Trouble.LOST_ANSWER):
            till.gateways["sandbox"].next_trouble = trouble
            with pytest.raises(GatewayError):
                await submit_refund(owed.id)
        assert (await books_of(paid.id))["REFUNDS_PAYABLE"] == -3_000

        assert await work_off(database_admin, "payments") == ["payments:submit_refund"]

        # then: it was asked for one refund
        assert len(till.gateways["sandbox"].refunds) == 1
        assert (await Refund.get(id=owed.id)).status == "SUBMITTED"
