"""What a gateway tells: twice, late, in any order, and what it does not get us to believe."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from tortoise.connection import get_connection

from headless_presale.kernel import unit_of_work as unit_of_work_module
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.orders import OrderStatus, OrderView
from headless_presale.payments import Payment, PaymentLeg, PaymentStatus
from tests.integration.payments.deliveries import (
    assert_paid_once,
    assert_untouched,
    event_about,
    signed,
    tell,
)
from tests.support.gateway import SandboxRun
from tests.support.money import (
    books_of,
    history_of,
    pay,
    read,
    start,
    wait_for_status,
)
from tests.support.servers import until

pytestmark = pytest.mark.usefixtures("clock")

NOBODY = "7f1d5a52-6f4e-4d63-9a0e-2f3d7c7a9b10"
"""The id of no payment; fixed, for parallel runs must collect the same tests."""


class TestRepeats:
    async def test_delivered_twice_has_one_effect(
        self, shop: httpx.AsyncClient, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        event = event_about(payment)

        assert await tell(shop, event) == (200, "captured")
        assert await tell(shop, event) == (200, "duplicate")

        await assert_paid_once(database_admin, payment)
        assert await database_admin.fetchval("SELECT count(*) FROM gateway_event") == 1

    async def test_delivered_twenty_times_at_once_has_one_effect(
        self, shop: httpx.AsyncClient, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        event = event_about(payment)

        answers = await asyncio.gather(*(tell(shop, event) for _ in range(20)))

        assert sorted(answers, key=str) == [(200, "captured"), *[(200, "duplicate")] * 19]
        await assert_paid_once(database_admin, payment)

    async def test_twenty_events_of_one_capture_have_one_effect(
        self, shop: httpx.AsyncClient, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        events = [event_about(payment) for _ in range(20)]

        answers = await asyncio.gather(*(tell(shop, event) for event in events))

        assert sorted(answers, key=str) == [(200, "captured"), *[(200, "repeat")] * 19]
        await assert_paid_once(database_admin, payment)

    async def test_the_gateway_sends_twenty_copies(
        self, sandbox: SandboxRun, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        await sandbox.set_webhooks(copies=20, paused=True)
        await sandbox.pay(payment)

        postings = await sandbox.flush()

        assert [posting["http_status"] for posting in postings] == [200] * 20
        await assert_paid_once(database_admin, payment)

    async def test_a_failure_told_after_the_success_changes_nothing(
        self, sandbox: SandboxRun, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        # given: declined, then paid, and told in the reversed order
        await sandbox.set_webhooks(order="reversed", paused=True)
        await sandbox.decline(payment)
        await sandbox.pay(payment)

        postings = await sandbox.flush()

        assert [posting["event_type"] for posting in postings] == [
            "payment_intent.succeeded",
            "payment_intent.payment_failed",
        ]
        await assert_paid_once(database_admin, payment)
        assert (await Payment.get(id=payment.id)).failure_code == ""

    async def test_declined_then_paid_tells_both(
        self, sandbox: SandboxRun, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        await sandbox.decline(payment, "insufficient_funds")

        async def is_noted() -> bool:
            return (await Payment.get(id=payment.id)).failure_code == "insufficient_funds"

        await until(is_noted)
        assert (await Payment.get(id=payment.id)).status is PaymentStatus.PENDING
        assert (await read(payment.order_id)).status is OrderStatus.AWAITING_PAYMENT

        await sandbox.pay(payment)
        await wait_for_status(payment.order_id, OrderStatus.PAID)

        types = [event[0] for event in await history_of(database_admin, payment.order_id)]
        assert types[1:4] == ["payment.started", "payment.failed", "payment.captured"]
        assert (await Payment.get(id=payment.id)).failure_code == ""


class TestWhatDoesNotCount:
    async def test_an_event_type_we_do_not_use_is_taken_and_ignored(
        self, shop: httpx.AsyncClient, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        unknown = [
            {"id": "evt_1", "type": "dispute.opened", "data": {"case": 7}},
            {"id": "evt_2", "type": "payment_intent.reviewed", "data": {"object": {"odd": 1}}},
            event_about(payment, "authorised", status="on_hold"),
        ]

        assert [await tell(shop, event) for event in unknown] == [(200, "ignored")] * 3

        assert (await Payment.get(id=payment.id)).status is PaymentStatus.PENDING
        assert await books_of(payment.order_id) == {}
        kept = await database_admin.fetch("SELECT type, outcome FROM gateway_event ORDER BY id")
        assert [tuple(row) for row in kept] == [
            ("dispute.opened", "ignored"),
            ("payment_intent.reviewed", "ignored"),
            ("payment_intent.authorised", "ignored"),
        ]

    @pytest.mark.parametrize("reference", [NOBODY, "an-order-of-another-shop"])
    async def test_an_intent_that_is_not_ours_is_kept_and_does_nothing(
        self,
        shop: httpx.AsyncClient,
        payment: Payment,
        database_admin: asyncpg.Connection,
        reference: str,
    ) -> None:
        event = event_about(payment, id="pi_foreign", reference=reference)

        assert await tell(shop, event) == (200, "unknown")

        assert (await Payment.get(id=payment.id)).status is PaymentStatus.PENDING
        assert await books_of(payment.order_id) == {}
        assert await database_admin.fetchval("SELECT outcome FROM gateway_event") == "unknown"

    async def test_a_second_intent_under_our_reference_does_not_pay(
        self, shop: httpx.AsyncClient, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        assert await tell(shop, event_about(payment, id="pi_foreign")) == (200, "unknown")

        assert (await Payment.get(id=payment.id)).intent_id == payment.intent_id
        assert await books_of(payment.order_id) == {}
        # and the real one still does
        assert await tell(shop, event_about(payment)) == (200, "captured")
        await assert_paid_once(database_admin, payment)

    @pytest.mark.parametrize(
        "change",
        [{"amount": 9_999}, {"amount": 10_001}, {"currency": "USD"}, {"reference": NOBODY}],
        ids=["too little", "too much", "currency", "reference"],
    )
    async def test_other_money_than_was_asked_for_pays_nothing(
        self,
        shop: httpx.AsyncClient,
        order: OrderView,
        payment: Payment,
        database_admin: asyncpg.Connection,
        change: dict[str, Any],
    ) -> None:
        assert await tell(shop, event_about(payment, **change)) == (200, "mismatched")

        mismatched = await Payment.get(id=payment.id)
        assert mismatched.status is PaymentStatus.MISMATCHED
        assert mismatched.captured_at is None
        assert (await read(order.id)).status is OrderStatus.AWAITING_PAYMENT
        assert await books_of(order.id) == {}
        told = (await history_of(database_admin, order.id))[-1]
        assert told[:2] == ("payment.mismatched", "gateway:sandbox")
        # The right amount afterwards is a second look at the same wrong capture.
        assert await tell(shop, event_about(payment)) == (200, "repeat")
        assert (await read(order.id)).status is OrderStatus.AWAITING_PAYMENT

    async def test_after_a_mismatch_the_buyer_can_pay_again(
        self, sandbox: SandboxRun, shop: httpx.AsyncClient, order: OrderView, payment: Payment
    ) -> None:
        await tell(shop, event_about(payment, amount=1))

        second = await pay(sandbox, order, PaymentLeg.FULL)

        assert second.id != payment.id
        assert (await read(order.id)).status is OrderStatus.PAID

    async def test_an_intent_of_another_gateway_does_not_pay(
        self, shop: httpx.AsyncClient, payment: Payment
    ) -> None:
        body = orjson.dumps(event_about(payment))

        response = await shop.post("/webhooks/payments/other", content=body, headers=signed(body))

        assert response.json() == {"outcome": "unknown"}
        assert (await Payment.get(id=payment.id)).status is PaymentStatus.PENDING


class TestTiming:
    async def test_a_notification_may_overtake_the_answer_that_names_its_intent(
        self, sandbox: SandboxRun, order: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        # given: the answer to "create" was lost, but the buyer found the page and paid
        await sandbox.set_outage("drop_response", 1)
        with pytest.raises(Exception, match="does not answer"):
            await start(order, PaymentLeg.FULL, idempotency_key="k")
        unanswered = await Payment.get(order_id=order.id)
        assert unanswered.intent_id is None
        (intent,) = await sandbox.intents()
        unanswered.intent_id = intent["id"]
        await sandbox.pay(unanswered)

        await wait_for_status(order.id, OrderStatus.PAID)

        # and: repeating the start finds the paid payment
        again = await start(order, PaymentLeg.FULL, idempotency_key="k")
        assert (again.id, again.status) == (unanswered.id, PaymentStatus.CAPTURED)
        assert again.intent_id == intent["id"]
        await assert_paid_once(database_admin, again)

    async def test_an_intent_that_ended_at_the_gateway_makes_room_for_another(
        self, sandbox: SandboxRun, order: OrderView, payment: Payment
    ) -> None:
        await sandbox.client.post(f"/v1/payment_intents/{payment.intent_id}/cancel", json={})

        async def has_ended() -> bool:
            return (await Payment.get(id=payment.id)).status is PaymentStatus.CANCELLED

        await until(has_ended)

        second = await pay(sandbox, order, PaymentLeg.FULL)
        assert second.id != payment.id
        assert (await read(order.id)).status is OrderStatus.PAID

    async def test_while_the_database_is_away_it_is_asked_for_later_and_then_taken(
        self,
        sandbox: SandboxRun,
        payment: Payment,
        database_admin: asyncpg.Connection,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await sandbox.set_webhooks(paused=True)
        await sandbox.pay(payment)

        # when: nobody gets a connection
        async with no_connection_left():
            with monkeypatch.context() as patience:
                patience.setattr(unit_of_work_module, "ACQUIRE_TIMEOUT_SECONDS", 0.05)
                (refused,) = await sandbox.flush()

        # then: 503, and the gateway's own next attempt succeeds
        assert refused["http_status"] == 503
        await assert_untouched(database_admin, payment)
        await sandbox.set_webhooks()
        await wait_for_status(payment.order_id, OrderStatus.PAID)
        await assert_paid_once(database_admin, payment)

        async def is_delivered() -> bool:
            (event,) = await sandbox.events(str(payment.intent_id))
            delivery = event["delivery"]
            return (delivery["status"], delivery["attempts"]) == ("delivered", 2)

        await until(is_delivered)

    async def test_when_connections_break_it_is_told_again_and_taken_once(
        self, sandbox: SandboxRun, payment: Payment, database_admin: asyncpg.Connection
    ) -> None:
        await sandbox.set_webhooks(paused=True)
        await sandbox.pay(payment)
        await database_admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

        await sandbox.set_webhooks()

        # Looked at from outside: a look of the shop's own could meet a dead connection as well.
        async def is_paid() -> bool:
            status = await database_admin.fetchval("SELECT status FROM sales_order")
            return bool(status == "PAID")

        await until(is_paid)
        await get_connection("default").close()
        await assert_paid_once(database_admin, payment)


@asynccontextmanager
async def no_connection_left() -> AsyncIterator[None]:
    """Keep every connection of the pool busy for as long as the block lasts."""
    held, release = 0, asyncio.Event()

    @shielded
    async def hold() -> None:
        nonlocal held
        async with unit_of_work():
            held += 1
            await release.wait()

    size = get_connection("default")._pool.get_max_size()
    holders = [asyncio.create_task(hold()) for _ in range(size)]
    try:
        await until(lambda: held == size)
        yield
    finally:
        release.set()
        await asyncio.gather(*holders)
