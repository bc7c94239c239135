"""What a merchant does to an order: once, never too much, only to his own, and recorded."""

import asyncio
from collections.abc import Awaitable, Iterator
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.audits import audit_database
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import (
    DomainError,
    FieldConflict,
    InvalidInput,
    VersionConflict,
)
from headless_presale.kernel.events import Actor, acting_as
from headless_presale.notifications import Message, MessageKind
from headless_presale.orders import (
    AddNote,
    CancelNotAllowed,
    CancelOrder,
    CancelTerms,
    LineQuantity,
    MerchantRefund,
    Order,
    OrderLineNotFound,
    OrderNote,
    OrderNotFound,
    OrderStatus,
    OrderView,
    RefundNotAllowed,
    RefundOrder,
    RefundTooLarge,
    RefundWish,
    add_note,
    cancel_order,
    cancel_order_by_merchant,
    merchant,
    refund_order,
    sweep_orders,
)
from headless_presale.payments import IdempotencyMismatch, PaymentLeg, Refund, list_held
from headless_presale.payments.gateways.port import GatewayError
from headless_presale.payments.refunds import submit_refund
from tests.support.memory_gateway import Trouble
from tests.support.money import (
    books_of,
    history_of,
    open_deposit_sale,
    owned_numbers,
    place,
    read,
    work_off,
)
from tests.support.shop import Sale, make_shop, open_sale
from tests.support.state import stored_rows
from tests.support.till import Till, till_open

STAFF = Actor(kind="staff", id=str(uuid4()), label="lin@forge.example", client_id="admin")


@pytest.fixture
def till(database: str, redis: Redis) -> Iterator[Till]:
    with till_open("sandbox", "other") as open_till:
        yield open_till


@pytest.fixture
async def sale(clock: ManualClock, till: Till) -> Sale:
    """A deposit campaign: 100.00 each, 20 % now."""
    return await open_deposit_sale(capacity=10)


@pytest.fixture
async def paid(clock: ManualClock, till: Till) -> OrderView:
    """Two units at 100.00, paid in full; version 2."""
    order = await place(await open_sale(shop=await make_shop("kiln"), capacity=10), quantity=2)
    return await till.pay(order)


async def in_two_parts(sale: Sale, till: Till, clock: ManualClock) -> OrderView:
    """Return an order of which 20.00 were paid here and 80.00 at another gateway; version 4."""
    order = await till.pay(await place(sale), PaymentLeg.DEPOSIT)
    clock.advance(timedelta(days=9))
    await sweep_orders()
    return await till.pay(order, PaymentLeg.BALANCE, gateway="other")


def own(order: OrderView, key: str) -> dict[str, Any]:
    return {"shop_ids": [order.shop_id], "order_id": order.id, "idempotency_key": key}


def refund_of(order: OrderView, minor: int = 3_000, key: str = "r1", **changes: Any) -> RefundOrder:
    values = {
        "wish": RefundWish(minor),
        "reason": "a scratch on the box",
        "version": order.version,
    }
    return RefundOrder(**{**own(order, key), **values, **changes})


def cancel_of(
    order: OrderView, terms: CancelTerms = CancelTerms.POLICY, key: str = "c1", **changes: Any
) -> CancelOrder:
    values = {"terms": terms, "reason": "the kiln broke", "version": order.version}
    return CancelOrder(**{**own(order, key), **values, **changes})


async def refund(command: RefundOrder) -> MerchantRefund:
    with acting_as(STAFF):
        return await refund_order(command)


async def cancel(command: CancelOrder) -> None:
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
    return [finding.sentence for finding in await audit_database(admin) if not finding.holds]


async def given_back() -> list[tuple[str, int]]:
    refunds = await Refund.all().order_by("created_at", "id").prefetch_related("payment")
    return sorted((r.payment.gateway, r.amount_minor) for r in refunds)


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
        # given: no lock of the order, none of the payment, and a moment between look and deed
        async def look_only(order_id: UUID, **_: Any) -> Any:

            return await Order.get(id=order_id)

        async def slowly(order_id: UUID) -> Any:
            found = await list_held(order_id)
            await asyncio.sleep(0.3)
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
            unguarded.setattr(merchant, "list_held", slowly)
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


class TestNotes:
    async def note(self, order: OrderView, text: str = "in blue", key: str = "n1") -> OrderNote:
        with acting_as(STAFF):
            return await add_note(AddNote(**own(order, key), text=text))

    async def test_a_note_is_kept_with_its_author_and_is_there_once(
        self, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        note = await self.note(paid)
        before = await stored_rows(database_admin)

        assert (await self.note(paid)).id == note.id
        assert await stored_rows(database_admin) == before
        assert (note.text, note.author, note.author_label) == (
            "in blue",
            str(STAFF),
            "lin@forge.example",
        )
        entry = await AuditEntry.get(action="order.note_add")
        assert entry.after == {"note_id": str(note.id)}
        assert (await read(paid.id)).version == paid.version
        await refused(self.note(paid, "in red"), IdempotencyMismatch, database_admin)

    async def test_it_is_never_changed(
        self, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        await self.note(paid)
        for sql in ("UPDATE order_note SET text = 'x'", "DELETE FROM order_note"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await database_admin.execute(sql)

    async def test_what_cannot_be_written_changes_nothing(
        self, paid: OrderView, monkeypatch: pytest.MonkeyPatch, database_admin: asyncpg.Connection
    ) -> None:
        for text in (" ", "x" * 2_001, "\x00"):
            await refused(self.note(paid, text), InvalidInput, database_admin)
        monkeypatch.setattr(merchant, "MOST_NOTES", 1)
        await self.note(paid)
        await refused(self.note(paid, "more", "n2"), InvalidInput, database_admin)
