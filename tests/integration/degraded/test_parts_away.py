"""The payment gateway or the worker away: nothing is lost, and what waited is done on return."""

import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.degraded.site import Site
from tests.support.api import order_in
from tests.support.servers import until

PAY = """
mutation ($input: PaymentStartInput!) {
  paymentStart(input: $input) {
    payment { id status action { type url } }
    userErrors { __typename code field }
  }
}
"""
CANCEL = """
mutation ($input: OrderCancelInput!) {
  orderCancel(input: $input) { order { status } userErrors { code } }
}
"""
GATEWAY_FAILURES = 'presale_gateway_failures_total{gateway="sandbox",operation="create_intent"}'


async def placed(site: Site, buyer: str) -> dict[str, str]:
    """Place an order; return what names it to its buyer."""
    answer = await site.order(buyer)
    order = order_in(answer)
    return {"orderId": order["id"], "token": answer.json()["data"]["orderPlace"]["orderToken"]}


async def start_payment(site: Site, order: dict[str, str]) -> dict[str, Any]:
    """Start paying; the same request each time."""
    wish = {**order, "leg": "FULL", "gateway": "sandbox", "idempotencyKey": "pay"}
    answer = await site.send(PAY, input=wish)
    assert answer.status_code == 200
    payload: dict[str, Any] = answer.json()["data"]["paymentStart"]
    return payload


@pytest.fixture
async def gateway(site: Site) -> AsyncIterator[None]:
    """Run the gateway for one test."""
    with site.gateway:
        yield


async def test_without_the_gateway_the_order_stays_and_can_be_paid_later(site: Site) -> None:
    order = await placed(site, "pays-later")
    failures = await site.metric(GATEWAY_FAILURES)

    refused = await start_payment(site, order)

    assert refused == {
        "payment": None,
        "userErrors": [
            {
                "__typename": "GatewayUnavailableError",
                "code": "GATEWAY_UNAVAILABLE",
                "field": ["gateway"],
            }
        ],
    }
    assert await site.metric(GATEWAY_FAILURES) == failures + 1
    assert await site.count_orders("pays-later") == 1
    payments = "SELECT count(*) FROM payment p JOIN sales_order o ON o.id = p.order_id "
    whose = "WHERE o.buyer->>'email' = 'pays-later@example.com'"
    assert await site.look(payments + whose + " AND p.intent_id IS NULL") == 1

    # The gateway comes back; the API was not touched.
    with site.gateway:
        started: list[dict[str, Any]] = []

        async def is_started() -> bool:
            started.append(await start_payment(site, order))
            return not started[-1]["userErrors"]

        await until(is_started)
        assert started[-1]["payment"]["status"] == "PENDING"
        assert started[-1]["payment"]["action"]["url"]
    assert await site.look(payments + whose) == 1


async def test_without_a_worker_jobs_wait_and_are_done_when_one_comes(
    site: Site, gateway: None
) -> None:
    # given: an order whose payment has to be called off at the gateway, and nobody to do it
    order = await placed(site, "cancels")

    async def is_started() -> bool:
        return not (await start_payment(site, order))["userErrors"]

    await until(is_started)
    answer = await site.send(CANCEL, input=order)
    assert answer.json()["data"]["orderCancel"]["order"] == {"status": "CANCELLED"}

    # then: it is late, and says so
    async def waits() -> bool:
        return await site.metric("presale_jobs_waiting") == await _jobs_due(site) > 0

    await until(waits)
    assert await site.metric("presale_oldest_due_job_seconds") > 0
    assert await site.readiness() == {
        "status": "degraded",
        "database": True,
        "redis": True,
        "worker": False,
    }
    assert await _jobs_left(site) == 1

    # when: a worker comes
    with site.worker:

        async def is_done() -> bool:
            return await _jobs_left(site) == 0

        await until(is_done)
        assert (await site.readiness())["status"] == "ok"
        await until(_none_waits(site))
        assert site.worker.terminate(30) == 0

    assert (await site.readiness())["worker"] is False


async def test_metrics_are_printed_without_the_database(site: Site) -> None:
    with site.dead(*site.postgres()):

        async def is_unknown() -> bool:
            return math.isnan(await site.metric("presale_jobs_waiting"))

        await until(is_unknown)
        assert math.isnan(await site.metric("presale_oldest_due_job_seconds"))

    async def is_known() -> bool:
        return not math.isnan(await site.metric("presale_jobs_waiting"))

    await until(is_known)
    # Not always zero: a worker that was ended may have left a periodic job behind.
    assert await site.metric("presale_jobs_waiting") == await _jobs_due(site)


async def _jobs_due(site: Site) -> int:
    count: int = await site.look(
        "SELECT count(*) FROM procrastinate_jobs "
        "WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())"
    )
    return count


async def _jobs_left(site: Site) -> int:
    count: int = await site.look(
        "SELECT count(*) FROM procrastinate_jobs "
        "WHERE task_name = 'payments:cancel_intent' AND status <> 'succeeded'"
    )
    return count


def _none_waits(site: Site) -> Any:
    async def is_so() -> bool:
        return await site.metric("presale_jobs_waiting") == 0

    return is_so
