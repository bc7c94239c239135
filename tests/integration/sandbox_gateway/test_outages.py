"""Outages on demand: the next calls fail as asked, and then no more."""

import asyncio
from pathlib import Path

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from headless_presale.sandbox_gateway.app import create_gateway
from headless_presale.sandbox_gateway.settings import GatewaySettings
from tests.integration.sandbox_gateway.parties import (
    API_KEY,
    Receiver,
    Shop,
    connected,
    gateway_running,
)
from tests.support.servers import bind_free_port, serving

BODY = {"amount": 100, "currency": "USD", "reference": "outage"}


async def test_the_next_calls_answer_500_and_do_nothing(shop: Shop) -> None:
    # Given
    await shop.set_outage("error_500", 2)

    # When
    answers = [
        await shop.post("/v1/payment_intents", BODY | {"reference": "outage-500"}, key="retry-500")
        for _ in range(3)
    ]

    # Then
    assert [answer.status_code for answer in answers] == [500, 500, 201]
    assert answers[0].json()["error"]["code"] == "internal_error"
    assert len((await shop.get("/v1/payment_intents", reference="outage-500"))["data"]) == 1


async def test_a_dropped_response_leaves_its_effect(shop: Shop) -> None:
    # Given
    await shop.set_outage("drop_response", 1)
    body = BODY | {"reference": "outage-drop"}

    # When the answer is lost and the shop asks again under the same key
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await shop.post("/v1/payment_intents", body, key="retry-drop")
    retried = await shop.post("/v1/payment_intents", body, key="retry-drop")

    # Then there is one intent, made by the first request
    assert retried.status_code == 201
    assert retried.headers["idempotent-replayed"] == "true"
    listed = (await shop.get("/v1/payment_intents", reference="outage-drop"))["data"]
    assert [row["id"] for row in listed] == [retried.json()["id"]]


async def test_a_call_that_times_out_does_nothing(shop: Shop) -> None:
    # Given
    await shop.set_outage("timeout", 1)
    body = BODY | {"reference": "outage-timeout"}

    # When
    with pytest.raises(httpx.ReadTimeout):
        await shop.client.post("/v1/payment_intents", json=body, timeout=0.2)

    # Then
    assert (await shop.get("/v1/payment_intents", reference="outage-timeout"))["data"] == []


async def test_a_patient_client_is_hung_up_on(receiver: Receiver, tmp_path: Path) -> None:
    async with gateway_running(
        tmp_path / "gateway.sqlite3", receiver, outage_timeout_seconds=0.2
    ) as shop:
        await shop.set_outage("timeout", 1)

        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await shop.client.get("/v1/events")

        assert (await shop.get("/v1/events"))["data"] == []


async def test_an_outage_spares_pages_health_and_its_own_switch(shop: Shop) -> None:
    # Given
    intent = await shop.create_intent()
    await shop.set_outage("error_500", 5)

    # When
    page = await shop.client.get(f"/pay/{intent['id']}")
    health = await shop.client.get("/healthz")
    await shop.set_outage("none", 0)

    # Then
    assert (page.status_code, health.status_code) == (200, 200)
    assert (await shop.get_intent(intent["id"]))["status"] == "requires_payment"


async def test_an_outage_hits_exactly_as_many_as_it_says(shop: Shop) -> None:
    await shop.set_outage("error_500", 7)

    answers = await asyncio.gather(*(shop.client.get("/v1/events") for _ in range(20)))

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * (20 - 7) + [500] * 7


async def test_under_another_server_a_dropped_response_breaks_off(
    receiver: Receiver, tmp_path: Path
) -> None:
    """Plain ASGI cannot close a connection unanswered: its answer ends before its body."""
    listener = bind_free_port()
    settings = GatewaySettings(
        port=listener.getsockname()[1],
        data_file=tmp_path / "gateway.sqlite3",
        api_key=SecretStr(API_KEY),
    )
    config = uvicorn.Config(create_gateway(settings), http="h11", ws="none", log_level="critical")
    async with serving(uvicorn.Server(config), listener), connected(settings, receiver) as shop:
        await shop.set_outage("drop_response", 1)

        with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
            await shop.post("/v1/payment_intents", BODY)

        assert len((await shop.get("/v1/payment_intents"))["data"]) == 1
