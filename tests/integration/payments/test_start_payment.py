"""Starting a payment: what may be paid, once per key, and whatever the gateway does meanwhile."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import (
    OrderNotFound,
    OrderStatus,
    OrderView,
    cancel_order,
    start_payment,
    sweep_orders,
)
from headless_presale.payments import (
    GatewayUnavailable,
    GatewayUnknown,
    IdempotencyMismatch,
    Payment,
    PaymentLeg,
    PaymentNotDue,
    PaymentStatus,
    Refund,
)
from headless_presale.payments.gateways import GatewayIntent, IntentRequest, set_gateways
from headless_presale.payments.reconciliation import cancel_intent
from tests.support.gateway import SandboxRun
from tests.support.money import (
    books_of,
    history_of,
    open_deposit_sale,
    pay,
    place,
    read,
    start,
    start_of,
    wait_for_status,
)
from tests.support.servers import until

pytestmark = pytest.mark.usefixtures("clock")

DAY = timedelta(days=1)


@pytest.fixture
async def deposit_order(sandbox: SandboxRun) -> OrderView:
    """An unpaid order over 20.00 now and 80.00 later."""
    return await place(await open_deposit_sale(capacity=10))


async def assert_no_payment(sandbox: SandboxRun, order: OrderView) -> None:
    """Assert that no payment of the order exists on either side."""
    assert await Payment.filter(order_id=order.id).count() == 0
    assert await sandbox.intents() == []


class TestWhatIsDue:
    @pytest.mark.parametrize("leg", [PaymentLeg.DEPOSIT, PaymentLeg.BALANCE])
    async def test_a_full_plan_has_no_other_leg(
        self, sandbox: SandboxRun, order: OrderView, leg: PaymentLeg
    ) -> None:
        with pytest.raises(PaymentNotDue) as refused:
            await start(order, leg)

        assert refused.value.field == ("leg",)
        await assert_no_payment(sandbox, order)

    @pytest.mark.parametrize("leg", [PaymentLeg.FULL, PaymentLeg.BALANCE])
    async def test_the_deposit_comes_first(
        self, sandbox: SandboxRun, deposit_order: OrderView, leg: PaymentLeg
    ) -> None:
        with pytest.raises(PaymentNotDue):
            await start(deposit_order, leg)

        await assert_no_payment(sandbox, deposit_order)

    async def test_the_balance_is_not_due_before_its_window_nor_after(
        self, sandbox: SandboxRun, deposit_order: OrderView, clock: ManualClock
    ) -> None:
        await pay(sandbox, deposit_order, PaymentLeg.DEPOSIT)
        assert deposit_order.balance_opens_at
        assert deposit_order.balance_remind_at
        assert deposit_order.balance_due_at

        clock.move_to(deposit_order.balance_opens_at - timedelta(microseconds=1))
        with pytest.raises(PaymentNotDue):
            await start(deposit_order, PaymentLeg.BALANCE)
        clock.move_to(deposit_order.balance_opens_at)
        await sweep_orders()
        clock.move_to(deposit_order.balance_remind_at)
        await sweep_orders()
        clock.move_to(deposit_order.balance_due_at)
        with pytest.raises(PaymentNotDue):
            await start(deposit_order, PaymentLeg.BALANCE)

        assert await Payment.filter(leg=PaymentLeg.BALANCE).count() == 0

    async def test_nothing_is_due_once_the_hold_ran_out(
        self, sandbox: SandboxRun, order: OrderView, clock: ManualClock
    ) -> None:
        clock.move_to(order.hold_expires_at)

        with pytest.raises(PaymentNotDue):
            await start(order, PaymentLeg.FULL)
        await sweep_orders()
        with pytest.raises(PaymentNotDue):
            await start(order, PaymentLeg.FULL)

        await assert_no_payment(sandbox, order)

    async def test_nothing_is_due_of_a_paid_order(
        self, sandbox: SandboxRun, order: OrderView
    ) -> None:
        await pay(sandbox, order, PaymentLeg.FULL)

        with pytest.raises(PaymentNotDue):
            await start(order, PaymentLeg.FULL)

        assert len(await sandbox.intents()) == 1

    async def test_an_unknown_gateway_or_order(self, sandbox: SandboxRun, order: OrderView) -> None:
        with pytest.raises(GatewayUnknown):
            await start(order, PaymentLeg.FULL, gateway="bank-of-nowhere")
        with pytest.raises(OrderNotFound):
            await start(order, PaymentLeg.FULL, order_id=uuid4())

        await assert_no_payment(sandbox, order)


class TestIdempotency:
    async def test_the_same_request_gets_the_same_payment(
        self, sandbox: SandboxRun, order: OrderView
    ) -> None:
        wish = start_of(order, PaymentLeg.FULL)

        first, second = await start_payment(wish), await start_payment(wish)

        assert first.id == second.id
        assert first.client_action == second.client_action
        assert first.client_action
        assert str(first.client_action["url"]).startswith(sandbox.url)
        assert len(await sandbox.intents()) == 1

    @pytest.mark.parametrize(
        "change",
        [{"gateway": "other"}, {"return_url": "https://shop.example/elsewhere"}],
        ids=["gateway", "return_url"],
    )
    async def test_another_request_under_the_key_is_refused(
        self, sandbox: SandboxRun, order: OrderView, change: dict[str, str]
    ) -> None:
        await start(order, PaymentLeg.FULL, idempotency_key="key")

        with pytest.raises(IdempotencyMismatch):
            await start(order, PaymentLeg.FULL, idempotency_key="key", **change)

        assert await Payment.filter(order_id=order.id).count() == 1
        assert len(await sandbox.intents()) == 1

    async def test_one_key_twenty_times_at_once_is_one_payment(
        self, sandbox: SandboxRun, order: OrderView
    ) -> None:
        wish = start_of(order, PaymentLeg.FULL)

        payments = await asyncio.gather(*(start_payment(wish) for _ in range(20)))

        assert len({payment.id for payment in payments}) == 1
        assert len(await sandbox.intents()) == 1

    async def test_twenty_keys_at_once_are_one_payment(
        self, sandbox: SandboxRun, order: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        wishes = [start_of(order, PaymentLeg.FULL) for _ in range(20)]

        payments = await asyncio.gather(*map(start_payment, wishes))

        assert len({payment.id for payment in payments}) == 1
        assert await Payment.filter(order_id=order.id).count() == 1
        assert len(await sandbox.intents()) == 1
        assert await database_admin.fetchval("SELECT count(*) FROM payment_key") == 20

    async def test_after_the_payment_the_key_still_finds_it(
        self, sandbox: SandboxRun, order: OrderView
    ) -> None:
        wish = start_of(order, PaymentLeg.FULL)
        await start_payment(wish)
        paid = await pay(sandbox, order, PaymentLeg.FULL)

        again = await start_payment(wish)

        assert (again.id, again.status) == (paid.id, PaymentStatus.CAPTURED)

    async def test_the_key_of_a_payment_called_off_opens_nothing(
        self, sandbox: SandboxRun, order: OrderView
    ) -> None:
        wish = start_of(order, PaymentLeg.FULL)
        first = await start_payment(wish)
        await cancel_order(order.id, reason="changed my mind")

        with pytest.raises(PaymentNotDue) as refused:
            await start_payment(wish)

        assert refused.value.field == ("idempotencyKey",)
        assert (await Payment.get(id=first.id)).status is PaymentStatus.CANCELLED
        assert len(await sandbox.intents()) == 1


class TestGatewayInTrouble:
    @pytest.mark.parametrize("mode", ["error_500", "drop_response"])
    async def test_the_order_is_kept_and_the_payment_can_be_started_again(
        self, sandbox: SandboxRun, order: OrderView, mode: str
    ) -> None:
        await sandbox.set_outage(mode, 2)

        for _ in range(2):
            with pytest.raises(GatewayUnavailable):
                await start(order, PaymentLeg.FULL, idempotency_key="key")
        assert (await read(order.id)).status is OrderStatus.AWAITING_PAYMENT

        payment = await start(order, PaymentLeg.FULL, idempotency_key="key")

        # What was done though its answer was lost is found again, not done again.
        (intent,) = await sandbox.intents()
        assert (payment.intent_id, intent["reference"]) == (intent["id"], str(payment.id))
        assert await Payment.filter(order_id=order.id).count() == 1
        await sandbox.pay(payment)
        await wait_for_status(order.id, OrderStatus.PAID)

    async def test_another_key_goes_on_with_the_same_payment(
        self, sandbox: SandboxRun, order: OrderView
    ) -> None:
        await sandbox.set_outage("drop_response", 1)
        with pytest.raises(GatewayUnavailable):
            await start(order, PaymentLeg.FULL)

        await start(order, PaymentLeg.FULL, return_url="https://shop.example/other")

        assert len(await sandbox.intents()) == 1
        assert await Payment.filter(order_id=order.id).count() == 1

    async def test_a_gateway_that_hangs_is_given_up_on(
        self, sandbox: SandboxRun, order: OrderView, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await sandbox.set_outage("timeout", 1)
        with monkeypatch.context() as impatient:
            impatient.setattr("headless_presale.payments.gateways.sandbox.TIMEOUT_SECONDS", 1.0)
            set_gateways([sandbox.gateway()])
            with pytest.raises(GatewayUnavailable):
                await start(order, PaymentLeg.FULL)

        set_gateways([sandbox.gateway()])
        assert (await start(order, PaymentLeg.FULL)).intent_id

    async def test_what_the_gateway_refuses_for_good_does_not_block_the_next_start(
        self, sandbox: SandboxRun, order: OrderView
    ) -> None:
        with pytest.raises(GatewayUnavailable):
            await start(order, PaymentLeg.FULL, return_url="not an address")
        refused = await Payment.get(order_id=order.id)
        assert refused.status is PaymentStatus.CANCELLED

        await pay(sandbox, order, PaymentLeg.FULL)

        assert (await read(order.id)).status is OrderStatus.PAID


class TestChangingGateways:
    async def test_the_first_gateway_is_told_to_take_nothing(
        self, sandbox: SandboxRun, order: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        first = await start(order, PaymentLeg.FULL)
        second = await start(order, PaymentLeg.FULL, gateway="other")

        assert (await Payment.get(id=first.id)).status is PaymentStatus.CANCELLED
        assert second.status is PaymentStatus.PENDING
        (job,) = await database_admin.fetch(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'payments:cancel_intent'"
        )
        assert str(first.id) in job["args"]
        await cancel_intent(first.id)
        statuses = {i["id"]: i["status"] for i in await sandbox.intents()}
        assert statuses == {first.intent_id: "cancelled", second.intent_id: "requires_payment"}

    async def test_money_at_the_first_one_counts_and_calls_the_second_off(
        self, sandbox: SandboxRun, order: OrderView
    ) -> None:
        first = await start(order, PaymentLeg.FULL)
        second = await start(order, PaymentLeg.FULL, gateway="other")

        await sandbox.pay(first)
        await wait_for_status(order.id, OrderStatus.PAID)

        assert (await Payment.get(id=first.id)).status is PaymentStatus.CAPTURED
        assert (await Payment.get(id=second.id)).status is PaymentStatus.CANCELLED
        assert await books_of(order.id) == {"GATEWAY": 10_000, "CUSTOMER_FUNDS": -10_000}

    async def test_money_at_both_is_given_back_once(
        self, sandbox: SandboxRun, order: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        # given: the other gateway tells its own address; here one sandbox tells for both, so
        # "other" is paid first and its capture is read by asking.
        first = await start(order, PaymentLeg.FULL, gateway="other")
        second = await start(order, PaymentLeg.FULL)
        await sandbox.pay(second)
        await wait_for_status(order.id, OrderStatus.PAID)
        await sandbox.pay(first)

        await cancel_intent(first.id)

        surplus = await Payment.get(id=first.id)
        assert surplus.status is PaymentStatus.MISMATCHED
        refund = await Refund.get(payment_id=first.id)
        assert (refund.amount_minor, refund.reason) == (10_000, "paid_twice")
        assert await Refund.filter(payment_id=second.id).count() == 0
        assert (await read(order.id)).status is OrderStatus.PAID
        assert await books_of(order.id) == {
            "GATEWAY": 20_000,
            "CUSTOMER_FUNDS": -10_000,
            "REFUNDS_PAYABLE": -10_000,
        }
        types = [event[0] for event in await history_of(database_admin, order.id)]
        assert types[-2:] == ["payment.surplus", "refund.requested"]
        # and again: nothing more
        await cancel_intent(first.id)
        assert await Refund.all().count() == 1

    async def test_an_answer_that_comes_after_the_order_went_is_called_off_too(
        self, sandbox: SandboxRun, order: OrderView, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # given: the first gateway answers only after the order is gone
        slow = sandbox.gateway()
        entered, go_on = asyncio.Event(), asyncio.Event()
        create = slow.create_intent

        async def create_late(request: IntentRequest) -> GatewayIntent:
            entered.set()
            await go_on.wait()
            return await create(request)

        monkeypatch.setattr(slow, "create_intent", create_late)
        set_gateways([slow])
        starting = asyncio.create_task(start(order, PaymentLeg.FULL))
        await entered.wait()
        await cancel_order(order.id, reason="too slow")
        go_on.set()

        # then
        with pytest.raises(PaymentNotDue):
            await starting
        payment = await Payment.get(order_id=order.id)
        assert payment.status is PaymentStatus.CANCELLED
        assert payment.intent_id is not None
        await cancel_intent(payment.id)

        async def is_cancelled() -> bool:
            return [i["status"] for i in await sandbox.intents()] == ["cancelled"]

        await until(is_cancelled)
