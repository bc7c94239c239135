"""The shop's client of the sandbox: what it makes of answers, also of those that make no sense."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from headless_presale.kernel.money import Money
from headless_presale.payments.gateways import GatewayError, IntentRequest, RefundRequest
from headless_presale.payments.gateways.port import GatewayRefundStatus, IntentStatus
from headless_presale.payments.gateways.sandbox import SandboxGateway
from tests.support.gateway import API_KEY, WEBHOOK_SECRET, SandboxRun
from tests.support.servers import until

Call = Callable[[SandboxGateway], Awaitable[Any]]

CALLS: dict[str, Call] = {
    "create": lambda gateway: gateway.create_intent(wanted()),
    "get": lambda gateway: gateway.get_intent("pi_1"),
    "cancel": lambda gateway: gateway.cancel_intent("pi_1"),
    "refund": lambda gateway: gateway.refund(
        RefundRequest(idempotency_key="k", reference="r", intent_id="pi_1", amount=Money(1, "CNY"))
    ),
    "find_refunds": lambda gateway: gateway.find_refunds("pi_1"),
}


def wanted(reference: str = "payment-1") -> IntentRequest:
    return IntentRequest(
        reference=reference,
        amount=Money(10_000, "CNY"),
        description="Order 7K3D-9QXA",
        return_url=None,
        metadata={"leg": "FULL"},
    )


@pytest.fixture
async def gateway(sandbox: SandboxRun) -> AsyncIterator[SandboxGateway]:
    client = sandbox.gateway()
    yield client
    await client.close()


async def test_an_intent_is_created_once_read_and_cancelled(gateway: SandboxGateway) -> None:
    first, again = [await gateway.create_intent(wanted()) for _ in range(2)]

    assert first == again
    assert (first.status, first.amount) == (IntentStatus.PENDING, Money(10_000, "CNY"))
    assert first.client_action["type"] == "REDIRECT"
    assert await gateway.get_intent(first.id) == first
    assert (await gateway.cancel_intent(first.id)).status is IntentStatus.CANCELLED
    assert (await gateway.cancel_intent(first.id)).status is IntentStatus.CANCELLED


async def test_cancelling_what_is_paid_tells_that_it_is(
    sandbox: SandboxRun, gateway: SandboxGateway
) -> None:
    intent = await gateway.create_intent(wanted())
    await sandbox.client.post(f"/v1/test_helpers/payment_intents/{intent.id}/pay", json={})

    cancelled = await gateway.cancel_intent(intent.id)

    assert cancelled.status is IntentStatus.CAPTURED
    assert cancelled.captured_at is not None
    assert cancelled.captured_at.utcoffset() is not None


async def test_every_refund_of_a_payment_is_found_page_by_page(
    sandbox: SandboxRun, gateway: SandboxGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headless_presale.payments.gateways.sandbox.PAGE", 2)
    intent = await gateway.create_intent(wanted())
    await sandbox.client.post(f"/v1/test_helpers/payment_intents/{intent.id}/pay", json={})
    for number in range(5):
        await gateway.refund(
            RefundRequest(
                idempotency_key=f"k{number}",
                reference=f"r{number}",
                intent_id=intent.id,
                amount=Money(100 + number, "CNY"),
            )
        )

    found = await gateway.find_refunds(intent.id)

    assert [(refund.reference, refund.amount.amount_minor) for refund in found] == [
        (f"r{number}", 100 + number) for number in range(5)
    ]

    async def are_settled() -> bool:
        refunds = await gateway.find_refunds(intent.id)
        return {refund.status for refund in refunds} == {GatewayRefundStatus.SUCCEEDED}

    await until(are_settled)


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        *((status, True) for status in (400, 401, 404, 409, 422)),
        *((status, False) for status in (302, 408, 425, 429, 500, 503)),
    ],
)
async def test_which_refusals_are_for_good(
    monkeypatch: pytest.MonkeyPatch, status: int, is_final: bool
) -> None:
    gateway = answering(monkeypatch, lambda request: httpx.Response(status, json={}))

    for name in ("create", "get", "refund", "find_refunds"):
        with pytest.raises(GatewayError) as refused:
            await CALLS[name](gateway)
        assert refused.value.is_final is is_final, name
    await gateway.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"id": 1, "reference": "r", "status": "odd"}',
        b'{"data": null}',
        b'{"data": [{}], "has_more": false}',
    ],
)
@pytest.mark.parametrize("name", CALLS)
async def test_an_answer_without_sense_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, body: bytes, name: str
) -> None:
    gateway = answering(monkeypatch, lambda request: httpx.Response(200, content=body))

    with pytest.raises(GatewayError) as refused:
        await CALLS[name](gateway)

    assert refused.value.is_final is False
    await gateway.close()


@pytest.mark.parametrize("name", CALLS)
async def test_nobody_there_is_no_answer(name: str) -> None:
    gateway = SandboxGateway(
        url="http://127.0.0.1:1", api_key=API_KEY, webhook_secret=WEBHOOK_SECRET
    )

    with pytest.raises(GatewayError) as refused:
        await CALLS[name](gateway)

    assert refused.value.is_final is False
    await gateway.close()


def answering(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]
) -> SandboxGateway:
    """Return a client whose every request gets this answer: something else listens there."""
    gateway = SandboxGateway(
        url="http://gateway.test", api_key=API_KEY, webhook_secret=WEBHOOK_SECRET
    )
    client = httpx.AsyncClient(
        base_url="http://gateway.test", transport=httpx.MockTransport(answer)
    )
    monkeypatch.setattr(gateway, "_client", client)
    return gateway
