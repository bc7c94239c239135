"""A token on an open socket or stream: it ends with the grant, at once, and with its own time."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from headless_presale.checkout import place_order
from headless_presale.customers import (
    CustomerClaims,
    CustomerCode,
    CustomerPrincipal,
    code_of,
    find_customer_principal,
    read_any_bearer,
    sign_out,
)
from headless_presale.customers.codes import make_code, use_code
from headless_presale.identity import Role, revoke_grant
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.kernel import clock, live
from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.kernel.live import LiveHub
from headless_presale.settings import Settings
from resolvers.context import RequestContext
from resolvers.global_ids import seal
from schema.transport import websocket
from tests.conftest import NOON, SECRET_KEY
from tests.support.api import api_serving
from tests.support.shop import Sale, make_shop, open_sale, order_for
from tests.support.staff import Caller, sign_in

FOLLOW = "subscription ($id: ID!) { campaignAvailability(campaignId: $id) { status } }"
VIEWER = "{ viewer { label } }"
EMAIL = "ann@example.com"


@dataclass(frozen=True, slots=True)
class Site:
    """The API on a real port, by the real clock."""

    url: str


@pytest.fixture
async def site(database: str, redis: Redis, redis_url: str) -> AsyncIterator[Site]:
    settings = Settings.model_validate(
        {"database_url": database, "redis_url": redis_url, "secret_key": SECRET_KEY}
    )
    async with api_serving(settings) as client:
        yield Site(str(client.base_url).rstrip("/"))


@asynccontextmanager
async def socket(site: Site, token: str | None) -> AsyncIterator[ClientConnection]:
    """Open a socket and say who is there, as a browser does: it can send no header."""
    url = site.url.replace("http", "ws", 1) + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        params = {"authorization": f"Bearer {token}"} if token is not None else {}
        await connection.send(json.dumps({"type": "connection_init", "payload": params}))
        yield connection


async def received(connection: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await asyncio.wait_for(connection.recv(), 30))
    return message


async def subscribe(connection: ClientConnection, query: str, **variables: Any) -> None:
    payload = {"query": query, "variables": variables}
    await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))


async def close_reason(connection: ClientConnection, seconds: float = 30) -> tuple[int, str]:
    """Return what the server closes with; what comes before is skipped."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(seconds):
            while True:
                await connection.recv()
    assert connection.close_code is not None
    return connection.close_code, connection.close_reason or ""


def be_told(monkeypatch: pytest.MonkeyPatch, is_redis_there: bool) -> None:
    """Have the API learn that somebody is out from Redis alone, or by looking alone."""
    monkeypatch.setattr(live, "POLL_SECONDS", 3_600 if is_redis_there else 0.2)
    if not is_redis_there:
        monkeypatch.setattr(LiveHub, "_wake", lambda self, topic: None)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Let what ends with a token end in a moment; return by when it should have."""
    asked: list[datetime] = []

    def soon(moment: datetime) -> float:
        asked.append(moment)
        return 0.5

    monkeypatch.setattr(websocket, "seconds_until", soon)
    return asked


async def _sale_and_owner() -> tuple[Sale, Caller]:
    # A sale of the past: who follows it is told its state all the same.
    with use_clock(ManualClock(NOON)):
        sale = await open_sale(shop=await make_shop("atelier", "USD"), capacity=5)
    return sale, await sign_in(sale.shop)


async def test_a_socket_knows_who_is_there(site: Site) -> None:
    _, owner = await _sale_and_owner()
    async with socket(site, owner.token) as connection:
        assert await received(connection) == {"type": "connection_ack"}
        await subscribe(connection, VIEWER)
        answer = await received(connection)

    assert answer["payload"]["data"] == {"viewer": {"label": "owner@atelier.example.com"}}


async def test_a_socket_with_a_token_that_is_none_is_closed(site: Site) -> None:
    async with socket(site, "no.such.token") as connection:
        code, reason = await close_reason(connection)

    assert code == 4403
    assert reason.startswith("The access token is not valid")


@pytest.mark.parametrize("has_header", [False, True], ids=["first message", "header"])
async def test_a_socket_with_a_token_whose_time_is_over_is_closed(
    site: Site, has_header: bool
) -> None:
    shop = await make_shop()
    with use_clock(ManualClock(clock.now() - timedelta(hours=1))):
        owner = await sign_in(shop, Role.OWNER)
    bearer = f"Bearer {owner.token}"
    headers = {"authorization": bearer} if has_header else None
    url = site.url.replace("http", "ws", 1) + "/graphql"
    subprotocols = [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=subprotocols, additional_headers=headers) as connection:
        payload = {} if has_header else {"authorization": bearer}
        await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
        code, reason = await close_reason(connection)

    assert (code, reason) == (4403, "The access token is not valid: expired.")


@pytest.mark.parametrize("is_redis_there", [True, False], ids=["told", "found out"])
async def test_a_revoked_grant_closes_an_open_socket(
    site: Site, is_redis_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a socket with a subscription under way; told over Redis, or by looking now and then
    be_told(monkeypatch, is_redis_there)
    sale, owner = await _sale_and_owner()
    async with socket(site, owner.token) as connection:
        await received(connection)
        await subscribe(connection, FOLLOW, id=seal("Campaign", sale.campaign.id))
        await received(connection)

        # When its grant is revoked
        await revoke_grant(owner.grant.merchant_id, owner.grant.id)

        # Then it closes
        assert await close_reason(connection) == (
            4403,
            "Session ended",
        )


async def test_control_a_socket_that_nobody_watches_stays_open(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(self: RequestContext) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(RequestContext, "ended", never)
    sale, owner = await _sale_and_owner()
    async with socket(site, owner.token) as connection:
        await received(connection)
        await subscribe(connection, FOLLOW, id=seal("Campaign", sale.campaign.id))
        await received(connection)

        await revoke_grant(owner.grant.merchant_id, owner.grant.id)

        with pytest.raises(TimeoutError):
            await close_reason(connection, 1)


async def test_an_operation_on_an_open_socket_asks_again_who_is_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(self: RequestContext) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(RequestContext, "ended", never)
    _, owner = await _sale_and_owner()
    async with socket(site, owner.token) as connection:
        await received(connection)
        await revoke_grant(owner.grant.merchant_id, owner.grant.id)
        await subscribe(connection, VIEWER)
        answer = await received(connection)

    (error,) = answer["payload"]["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_socket_ends_with_its_token(site: Site, ends: list[datetime]) -> None:
    _, owner = await _sale_and_owner()
    async with socket(site, owner.token) as connection:
        assert await close_reason(connection) == (4403, "Session expired")

    claims = await read_any_bearer(f"Bearer {owner.token}")
    assert claims is not None
    assert ends == [claims.expires_at]


async def _stream(site: Site, sale: Sale, caller: Caller) -> list[str]:
    """Follow a campaign by server-sent events, revoke the grant, and return every line."""
    body = {"query": FOLLOW, "variables": {"id": seal("Campaign", sale.campaign.id)}}
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {caller.token}"}
    lines = []
    async with (
        httpx.AsyncClient(trust_env=False, timeout=30) as client,
        client.stream("POST", site.url + "/graphql", json=body, headers=headers) as response,
    ):
        async for line in response.aiter_lines():
            lines.append(line)
            if '"CLOSED"' in line:
                await revoke_grant(caller.grant.merchant_id, caller.grant.id)
    return lines


async def test_a_revoked_grant_ends_an_open_stream(site: Site) -> None:
    sale, owner = await _sale_and_owner()

    lines = await asyncio.wait_for(_stream(site, sale, owner), 30)

    assert any('"SESSION_EXPIRED"' in line for line in lines)
    assert lines[-3:] == ["event: complete", "data: ", ""]


async def test_a_new_role_is_no_end(site: Site) -> None:
    sale, _ = await _sale_and_owner()
    analyst = await sign_in(sale.shop, Role.ANALYST)
    async with socket(site, analyst.token) as connection:
        assert await received(connection) == {"type": "connection_ack"}
        with pytest.raises(TimeoutError):
            await close_reason(connection, 1)


# Customers


TRACK = "subscription ($id: ID!) { orderTracking(orderId: $id) { type } }"


@dataclass(frozen=True, slots=True)
class Buyer:
    """A customer who is signed in, by the real clock, and his order."""

    principal: CustomerPrincipal
    token: str
    order_id: str


async def _buyer() -> Buyer:
    with use_clock(ManualClock(NOON)):
        sale = await open_sale(shop=await make_shop("atelier", "USD"), capacity=5)
        order = await place_order(order_for(sale, email=EMAIL))
    await make_code(sale.shop.id, EMAIL, locale="en")
    code = await CustomerCode.get()
    signed_in = await use_code(sale.shop.id, EMAIL, code_of(code.id), await signing_key())
    assert signed_in is not None
    claims = await read_any_bearer(f"Bearer {signed_in.access.token}")
    assert isinstance(claims, CustomerClaims)
    principal = await find_customer_principal(claims)
    assert principal is not None
    return Buyer(principal, signed_in.access.token, seal("Order", order.id))


@pytest.mark.parametrize("is_redis_there", [True, False], ids=["told", "found out"])
async def test_signing_out_closes_a_customers_open_socket(
    site: Site, is_redis_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_told(monkeypatch, is_redis_there)
    buyer = await _buyer()
    async with socket(site, buyer.token) as connection:
        await received(connection)
        await subscribe(connection, TRACK, id=buyer.order_id)
        assert (await received(connection))["payload"]["data"] == {
            "orderTracking": {"type": "order.placed"}
        }

        await sign_out(buyer.principal, is_everywhere=False)

        assert await close_reason(connection) == (4403, "Session ended")


async def test_control_a_customers_socket_that_nobody_watches_stays_open(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(self: RequestContext) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(RequestContext, "ended", never)
    buyer = await _buyer()
    async with socket(site, buyer.token) as connection:
        await received(connection)
        await subscribe(connection, TRACK, id=buyer.order_id)
        await received(connection)

        await sign_out(buyer.principal, is_everywhere=False)

        with pytest.raises(TimeoutError):
            await close_reason(connection, 1)


async def test_a_customers_socket_ends_with_his_token(site: Site, ends: list[datetime]) -> None:
    buyer = await _buyer()
    async with socket(site, buyer.token) as connection:
        assert await close_reason(connection) == (4403, "Session expired")

    claims = await read_any_bearer(f"Bearer {buyer.token}")
    assert claims is not None
    assert ends == [claims.expires_at]


async def test_signing_out_ends_a_customers_open_stream(site: Site) -> None:
    buyer = await _buyer()
    body = {"query": TRACK, "variables": {"id": buyer.order_id}}
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {buyer.token}"}
    lines = []
    async with (
        httpx.AsyncClient(trust_env=False, timeout=30) as client,
        client.stream("POST", site.url + "/graphql", json=body, headers=headers) as response,
    ):
        async for line in response.aiter_lines():
            lines.append(line)
            if '"order.placed"' in line:
                await sign_out(buyer.principal, is_everywhere=False)

    assert any('"SESSION_EXPIRED"' in line for line in lines)
    assert lines[-3:] == ["event: complete", "data: ", ""]
