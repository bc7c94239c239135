"""Refunds: never more than was captured, asked for until the gateway confirms, paid once."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.money import Money
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.orders import OrderView
from headless_presale.payments import (
    Payment,
    PaymentLeg,
    Refund,
    RefundStatus,
    reconcile_refunds,
    request_refund,
)
from headless_presale.payments.gateways import (
    GatewayError,
    GatewayNotice,
    GatewayRefund,
    RefundRequest,
    close_gateways,
    set_gateways,
)
from headless_presale.payments.gateways.port import GatewayRefundStatus
from headless_presale.payments.gateways.sandbox import SandboxGateway
from headless_presale.payments.refunds import submit_refund
from headless_presale.payments.settlement import record_notice
from tests.support.gateway import SandboxRun
from tests.support.money import (
    books_of,
    history_of,
    pay,
    start,
    work_off,
)
from tests.support.servers import until

pytestmark = pytest.mark.usefixtures("clock")

MINUTE = timedelta(minutes=1)


class StrictGateway(SandboxGateway):
    """A provider that answers a repeated request for a refund with "refunded already"."""

    async def refund(self, request: RefundRequest) -> GatewayRefund:
        found = await self.find_refunds(request.intent_id)
        if any(refund.reference == request.reference for refund in found):
            raise GatewayError("refunded already", is_final=True)
        return await super().refund(request)


@pytest.fixture
async def paid(sandbox: SandboxRun, order: OrderView) -> Payment:
    """Its payment, captured."""
    return await pay(sandbox, order, PaymentLeg.FULL)


@shielded
async def owe(payment: Payment, minor: int, reason: str) -> Refund | None:
    """Owe a part of a payment, in a transaction of its own."""
    async with unit_of_work() as work:
        return await request_refund(work, payment.id, Money(minor, payment.currency), reason=reason)


async def get_owed(payment: Payment, minor: int = 4_000, reason: str = "damaged") -> Refund:
    """Owe a part of a payment and return the refund."""
    refund = await owe(payment, minor, reason)
    assert refund is not None
    return refund


async def wait_for_refund(refund: Refund, status: RefundStatus) -> None:
    """Wait until a refund is there."""

    async def is_there() -> bool:
        return (await Refund.get(id=refund.id)).status is status

    await until(is_there)


async def attempts_at_gateway(sandbox: SandboxRun) -> list[tuple[int, str]]:
    """Return every refund the gateway has: amount and status, oldest first."""
    return [(refund["amount"], refund["status"]) for refund in await sandbox.refunds()]


class TestWhatIsOwed:
    async def test_the_books_follow_each_step(
        self, sandbox: SandboxRun, paid: Payment, database_admin: asyncpg.Connection
    ) -> None:
        assert await books_of(paid.order_id) == {"GATEWAY": 10_000, "CUSTOMER_FUNDS": -10_000}

        refund = await get_owed(paid, 4_000)
        assert await books_of(paid.order_id) == {
            "GATEWAY": 10_000,
            "CUSTOMER_FUNDS": -6_000,
            "REFUNDS_PAYABLE": -4_000,
        }
        await sandbox.set_webhooks(paused=True)
        assert await submit_refund(refund.id) is RefundStatus.SUBMITTED
        assert (await books_of(paid.order_id))["REFUNDS_PAYABLE"] == -4_000
        await sandbox.set_webhooks()
        await wait_for_refund(refund, RefundStatus.SUCCEEDED)

        assert await books_of(paid.order_id) == {"GATEWAY": 6_000, "CUSTOMER_FUNDS": -6_000}
        types = [event[0] for event in await history_of(database_admin, paid.order_id)]
        assert types[-2:] == ["refund.requested", "refund.succeeded"]

    async def test_the_same_cause_is_one_refund(self, paid: Payment) -> None:
        first, second = await get_owed(paid, 4_000), await get_owed(paid, 9_000)

        assert (second.id, second.amount_minor) == (first.id, 4_000)
        assert await Refund.all().count() == 1

    async def test_what_is_left_limits_the_next(self, paid: Payment) -> None:
        amounts = [
            refund.amount_minor if refund else None
            for refund in [await owe(paid, 6_000, f"cause {n}") for n in range(3)]
        ]

        assert amounts == [6_000, 4_000, None]
        assert await books_of(paid.order_id) == {"GATEWAY": 10_000, "REFUNDS_PAYABLE": -10_000}

    async def test_at_once_they_never_exceed_what_was_captured(self, paid: Payment) -> None:
        await asyncio.gather(*(owe(paid, 3_000, f"cause {n}") for n in range(10)))

        refunds = await Refund.all()
        assert sorted(refund.amount_minor for refund in refunds) == [1_000, 3_000, 3_000, 3_000]

    async def test_control_without_the_lock_they_exceed_it(
        self, paid: Payment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # given: a look that does not wait for the others, and a moment between look and deed
        real_filter = Payment.filter

        def without_lock(*args: Any, **kwargs: Any) -> Any:
            query = real_filter(*args, **kwargs)
            monkeypatch.setattr(query, "select_for_update", lambda: query, raising=False)
            return query

        real_refunds = Refund.filter

        class Slow:
            def __init__(self, **kwargs: Any) -> None:
                self.kwargs = kwargs

            def __await__(self) -> Any:
                return self._look().__await__()

            async def _look(self) -> list[Refund]:
                found = await real_refunds(**self.kwargs)
                await asyncio.sleep(0.2)
                return found

        with monkeypatch.context() as unguarded:
            unguarded.setattr(Payment, "filter", without_lock)
            unguarded.setattr(Refund, "filter", Slow)
            await asyncio.gather(*(owe(paid, 3_000, f"cause {n}") for n in range(10)))

        assert sum(refund.amount_minor for refund in await Refund.all()) == 10 * 3_000

    async def test_nothing_is_owed_of_what_never_came(
        self, sandbox: SandboxRun, order: OrderView
    ) -> None:
        unpaid = await start(order, PaymentLeg.FULL)

        with pytest.raises(ValueError, match="not captured"):
            await owe(unpaid, 1, "cause")
        assert await Refund.all().count() == 0

    async def test_another_currency_is_refused(self, paid: Payment) -> None:
        paid.currency = "USD"

        with pytest.raises(ValueError, match="USD does not refund CNY"):
            await owe(paid, 1, "cause")
        assert await Refund.all().count() == 0


class TestAskingTheGateway:
    async def test_one_that_failed_is_asked_for_again_under_a_new_key(
        self,
        sandbox: SandboxRun,
        paid: Payment,
        clock: ManualClock,
        database_admin: asyncpg.Connection,
    ) -> None:
        refund = await get_owed(paid)
        await sandbox.set_refunds(outcome="fail")
        await work_off(database_admin, "payments")
        await wait_for_refund(refund, RefundStatus.FAILED)
        assert (await books_of(paid.order_id))["REFUNDS_PAYABLE"] == -4_000

        # when: too early, and then when its time has come
        await reconcile_refunds()
        assert await work_off(database_admin, "payments") == []
        await sandbox.set_refunds(outcome="succeed")
        clock.advance(2 * MINUTE)
        await reconcile_refunds()
        await reconcile_refunds()
        assert await work_off(database_admin, "payments") == ["payments:submit_refund"]

        # then
        await wait_for_refund(refund, RefundStatus.SUCCEEDED)
        assert await attempts_at_gateway(sandbox) == [(4_000, "failed"), (4_000, "succeeded")]
        assert (await Refund.get(id=refund.id)).attempts == 1
        assert await books_of(paid.order_id) == {"GATEWAY": 6_000, "CUSTOMER_FUNDS": -6_000}
        types = [event[0] for event in await history_of(database_admin, paid.order_id)]
        assert types[-3:] == ["refund.requested", "refund.failed", "refund.succeeded"]

    async def test_old_news_of_a_failed_attempt_does_not_make_a_second_refund(
        self,
        sandbox: SandboxRun,
        paid: Payment,
        clock: ManualClock,
        database_admin: asyncpg.Connection,
    ) -> None:
        # given: the first attempt failed, the second is under way at the gateway
        refund = await get_owed(paid)
        await sandbox.set_refunds(outcome="fail")
        await work_off(database_admin, "payments")
        await wait_for_refund(refund, RefundStatus.FAILED)
        await sandbox.set_refunds(outcome="hang")
        clock.advance(2 * MINUTE)
        await reconcile_refunds()
        await work_off(database_admin, "payments")

        # when: the first failure is told again, by asking and by a webhook of its own
        clock.advance(10 * MINUTE)
        await reconcile_refunds()
        failed = (await sandbox.refunds())[0]
        notice = GatewayNotice(
            event_id="evt_late",
            type="refund.failed",
            refund=GatewayRefund(
                id=failed["id"],
                reference=failed["reference"],
                status=GatewayRefundStatus.FAILED,
                amount=Money(4_000, "CNY"),
            ),
        )
        assert await record_notice("sandbox", notice) == "repeat"

        # then: still one attempt is under way, and it is the one that pays
        assert (await Refund.get(id=refund.id)).status is RefundStatus.SUBMITTED
        assert await work_off(database_admin, "payments") == []
        await sandbox.set_refunds(outcome="succeed")
        await wait_for_refund(refund, RefundStatus.SUCCEEDED)
        assert await attempts_at_gateway(sandbox) == [(4_000, "failed"), (4_000, "succeeded")]

    @pytest.mark.parametrize("mode", ["error_500", "drop_response"])
    async def test_an_outage_does_not_make_two_of_it(
        self, sandbox: SandboxRun, paid: Payment, mode: str
    ) -> None:
        refund = await get_owed(paid)
        await sandbox.set_outage(mode, 2)

        for _ in range(2):
            with pytest.raises(GatewayError):
                await submit_refund(refund.id)
        await submit_refund(refund.id)

        await wait_for_refund(refund, RefundStatus.SUCCEEDED)
        assert await attempts_at_gateway(sandbox) == [(4_000, "succeeded")]
        assert (await Refund.get(id=refund.id)).attempts == 0

    async def test_a_repeat_that_the_gateway_refuses_as_done_is_done(
        self, sandbox: SandboxRun, paid: Payment
    ) -> None:
        # given: the refund is made, its answer lost, and this provider refuses to repeat itself
        refund = await get_owed(paid)
        await close_gateways()
        set_gateways([sandbox.gateway(StrictGateway)])
        await sandbox.set_outage("drop_response", 1)
        with pytest.raises(GatewayError):
            await submit_refund(refund.id)

        await submit_refund(refund.id)

        await wait_for_refund(refund, RefundStatus.SUCCEEDED)
        assert await attempts_at_gateway(sandbox) == [(4_000, "succeeded")]
        assert (await Refund.get(id=refund.id)).attempts == 0

    async def test_ten_workers_at_once_ask_for_one_refund(
        self, sandbox: SandboxRun, paid: Payment
    ) -> None:
        refund = await get_owed(paid)

        await asyncio.gather(*(submit_refund(refund.id) for _ in range(10)))

        await wait_for_refund(refund, RefundStatus.SUCCEEDED)
        assert await attempts_at_gateway(sandbox) == [(4_000, "succeeded")]

    async def test_what_the_gateway_refuses_is_owed_still_and_asked_for_less_and_less_often(
        self,
        sandbox: SandboxRun,
        paid: Payment,
        clock: ManualClock,
        database_admin: asyncpg.Connection,
    ) -> None:
        # given: somebody refunded at the gateway, behind our back
        await sandbox.client.post(
            "/v1/refunds",
            json={"payment_intent": paid.intent_id, "amount": 10_000, "reference": "by hand"},
        )
        refund = await get_owed(paid)

        assert await submit_refund(refund.id) is RefundStatus.FAILED

        assert (await books_of(paid.order_id))["REFUNDS_PAYABLE"] == -4_000
        asked_at = []
        await database_admin.execute("DELETE FROM procrastinate_jobs")
        for minute in range(1, 20):
            clock.advance(MINUTE)
            await reconcile_refunds()
            if await work_off(database_admin, "payments"):
                asked_at.append(minute)
        # After 1 minute, 2, 4, 8 and 16: a pause is over when more than that has passed.
        assert asked_at == [2, 3, 5, 9, 17]

    async def test_one_that_hangs_is_found_when_it_ends_though_nobody_tells(
        self, sandbox: SandboxRun, paid: Payment, clock: ManualClock
    ) -> None:
        refund = await get_owed(paid)
        await sandbox.set_webhooks(paused=True)
        await sandbox.set_refunds(outcome="hang")
        assert await submit_refund(refund.id) is RefundStatus.SUBMITTED
        clock.advance(2 * MINUTE)
        assert await reconcile_refunds() == 0

        await sandbox.set_refunds(outcome="succeed")

        async def is_found() -> bool:
            return await reconcile_refunds() == 1

        await until(is_found)
        assert await books_of(paid.order_id) == {"GATEWAY": 6_000, "CUSTOMER_FUNDS": -6_000}
        # and its webhook, should it come after all, changes nothing
        assert [p["http_status"] for p in await sandbox.flush()] == [200]
        assert await books_of(paid.order_id) == {"GATEWAY": 6_000, "CUSTOMER_FUNDS": -6_000}

    async def test_news_of_another_amount_or_of_nobodys_refund_settles_nothing(
        self, sandbox: SandboxRun, paid: Payment
    ) -> None:
        refund = await get_owed(paid)

        def notice(number: int, **changes: Any) -> GatewayNotice:
            told = {
                "id": "re_1",
                "reference": f"{refund.id}-0",
                "status": GatewayRefundStatus.SUCCEEDED,
                "amount": Money(4_000, "CNY"),
                **changes,
            }
            return GatewayNotice(
                event_id=f"evt_{number}", type="refund.succeeded", refund=GatewayRefund(**told)
            )

        told = [
            notice(1, amount=Money(3_999, "CNY")),
            notice(2, amount=Money(4_000, "USD")),
            notice(3, reference=f"{paid.id}-0"),
            notice(4, reference="by hand"),
        ]
        outcomes = [await record_notice("sandbox", item) for item in told]
        outcomes.append(await record_notice("other", notice(5)))

        assert outcomes == ["mismatched", "mismatched", "unknown", "unknown", "unknown"]
        assert (await Refund.get(id=refund.id)).status is RefundStatus.REQUESTED
        assert (await books_of(paid.order_id))["REFUNDS_PAYABLE"] == -4_000
