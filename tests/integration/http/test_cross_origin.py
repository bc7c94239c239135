"""Pages of other sites: what a browser is told, and which shops they may use."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus

from headless_presale import cross_origin
from headless_presale.cross_origin import NamedOrigins
from headless_presale.kernel.clock import ManualClock
from headless_presale.settings import Settings
from headless_presale.shops import UpdateShop, update_shop
from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.conftest import SECRET_KEY
from tests.graphql.customers import REDEEM, REQUEST, SIGN_OUT, Storefront
from tests.graphql.endpoint import Api
from tests.graphql.ordering import CANCEL, ORDER, PLACE, START, order_input, start_input
from tests.graphql.ordering import Placed as PlacedOrder
from tests.integration.http.clients import one_place_taken, open_socket, receive, subscribe
from tests.support.api import api_serving
from tests.support.shop import Sale, make_shop, open_sale
from tests.support.state import everything
from tests.support.statements import counted_statements

OURS = "https://forge.example"
FOREIGN = "https://evil.example"
REFUSED = "ORIGIN_NOT_ALLOWED"
ALLOW = "access-control-allow-origin"


@pytest.fixture
def settings(database: str, redis: Redis, redis_url: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "database_url": database,
            "redis_url": redis_url,
            "data_dir": tmp_path,
            "secret_key": SECRET_KEY,
            "public_url": "https://api.example",
        }
    )


@pytest.fixture
async def sale(database: str, clock: ManualClock) -> Sale:
    """A sale of a shop that names its site."""
    sale = await open_sale()
    await Shop.filter(id=sale.shop.id).update(storefront_origins=[OURS])
    return sale


async def ask(
    client: httpx.AsyncClient, origin: str | None, query: str = "{ __typename }", **variables: Any
) -> httpx.Response:
    headers = {} if origin is None else {"origin": origin}
    body = {"query": query, "variables": variables}
    return await client.post("/graphql", json=body, headers=headers)


async def preflight(client: httpx.AsyncClient, origin: str, **headers: str) -> httpx.Response:
    asked = {"access-control-request-method": "POST", **headers}
    return await client.options("/graphql", headers={"origin": origin, **asked})


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json().get("errors", ())]


class TestTheDoor:
    async def test_a_shop_open_to_all_lets_every_page_in(
        self, settings: Settings, sale: Sale
    ) -> None:
        await make_shop("open")
        async with api_serving(settings) as client:
            for origin in (OURS, FOREIGN, "null", "http://localhost:3000", "nonsense"):
                assert (await preflight(client, origin)).status_code == 204
                answer = await ask(client, origin)
                assert answer.status_code == 200
                assert answer.headers[ALLOW] == "*"
                assert "access-control-allow-credentials" not in answer.headers

    async def test_a_page_that_no_shop_knows_is_refused(
        self, settings: Settings, sale: Sale, database_admin: asyncpg.Connection, redis: Redis
    ) -> None:
        async with api_serving(settings) as client:
            before = await everything(database_admin, redis)
            order = {"input": order_input(sale)}
            for answer in (
                await ask(client, FOREIGN),
                await ask(client, "null"),
                await ask(client, FOREIGN, PLACE, **order),
                await client.get(
                    "/graphql", params={"query": "{ __typename }"}, headers={"origin": FOREIGN}
                ),
                await preflight(client, FOREIGN),
            ):
                assert answer.status_code == 403
                assert codes(answer) == [REFUSED]
                assert ALLOW not in answer.headers
                assert "Origin" in answer.headers["vary"]
            assert await everything(database_admin, redis) == before

            known = await ask(client, OURS)
            assert (known.status_code, known.headers[ALLOW]) == (200, "*")

    async def test_its_socket_is_refused_before_it_opens(
        self, settings: Settings, sale: Sale
    ) -> None:
        async with api_serving(settings) as client:
            with pytest.raises(InvalidStatus) as refused:
                async with open_socket(client, origin=FOREIGN):
                    pass
            assert refused.value.response.status_code == 403
            async with open_socket(client, origin=OURS) as socket:
                await subscribe(socket, "1", "{ __typename }", {})
                assert (await receive(socket))["type"] == "next"

    async def test_who_sends_no_origin_and_our_own_pages_are_asked_nothing(
        self, settings: Settings, sale: Sale
    ) -> None:
        async with api_serving(settings) as client:
            own = str(client.base_url).rstrip("/")
            for origin in (None, own, "https://api.example"):
                answer = await ask(client, origin)
                assert answer.status_code == 200
                assert ALLOW not in answer.headers
            async with open_socket(client):
                pass

    async def test_a_preflight_says_what_may_be_sent(self, settings: Settings, sale: Sale) -> None:
        async with api_serving(settings) as client:
            answer = await preflight(client, OURS)

        allowed = answer.headers["access-control-allow-headers"].split(", ")
        assert {"authorization", "content-type", "x-request-id", "if-none-match"} <= set(allowed)
        assert answer.headers["access-control-allow-methods"] == "GET, POST"
        assert answer.headers["access-control-max-age"] == "7200"
        assert answer.content == b""

    async def test_refusals_of_every_kind_can_be_read_by_a_page(
        self, settings: Settings, sale: Sale
    ) -> None:
        changed = settings.model_copy(update={"max_in_flight": 1})
        async with api_serving(changed) as client:
            broken = await client.post("/graphql", content=b"{", headers={"origin": OURS})
            large = await client.post(
                "/graphql",
                content=b" " * 300_000,
                headers={"origin": OURS, "content-type": "application/json"},
            )
            async with one_place_taken():
                full = await ask(client, OURS)
        assert [a.status_code for a in (broken, large, full)] == [415, 413, 503]
        assert [a.headers[ALLOW] for a in (broken, large, full)] == ["*", "*", "*"]
        assert "retry-after" in full.headers["access-control-expose-headers"]
        assert {"ratelimit", "x-request-id"} <= set(
            broken.headers["access-control-expose-headers"].split(", ")
        )

    async def test_what_carries_cookies_answers_no_other_site(
        self, settings: Settings, sale: Sale
    ) -> None:
        paths = ("/sign-in", "/account", "/oauth/authorize", "/admin/", "/invitation", "/uploads/x")
        async with api_serving(settings) as client:
            for path in paths:
                for method in ("GET", "POST", "OPTIONS"):
                    headers = {"origin": OURS, "access-control-request-method": "POST"}
                    answer = await client.request(method, path, headers=headers)
                    assert ALLOW not in answer.headers, (method, path)

    async def test_the_named_are_read_once_a_second_at_most(
        self, sale: Sale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        named = NamedOrigins()
        monkeypatch.setattr(cross_origin, "REMEMBER_SECONDS", 3_600)
        async with counted_statements() as sent:
            asked = await asyncio.gather(*(named.welcome(OURS) for _ in range(20)))
            assert await named.welcome(FOREIGN) is False
        assert asked == [True] * 20
        assert len([text for text in sent if text.startswith("SELECT")]) == 2

    async def test_a_change_counts_when_they_are_read_again(
        self, sale: Sale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        named = NamedOrigins()
        monkeypatch.setattr(cross_origin, "REMEMBER_SECONDS", 0)
        assert not await named.welcome(FOREIGN)
        await update_shop(UpdateShop(shop_id=sale.shop.id, storefront_origins=[OURS, FOREIGN]))
        assert await named.welcome(FOREIGN)
        await update_shop(UpdateShop(shop_id=sale.shop.id, storefront_origins=[]))
        assert await named.welcome("https://anywhere.example")

    async def test_while_the_database_is_away_what_was_known_counts(
        self, sale: Sale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def away() -> None:
            raise ConnectionError

        monkeypatch.setattr(cross_origin, "REMEMBER_SECONDS", 0)
        known, unknown = NamedOrigins(), NamedOrigins()
        assert not await known.welcome(FOREIGN)
        monkeypatch.setattr(cross_origin, "list_named_origins", away)

        assert not await known.welcome(FOREIGN)
        # The shops themselves still ask: see below.
        assert await unknown.welcome(FOREIGN)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a storefront asks, of a shop that another page may not use."""

    sale: Sale
    order: PlacedOrder
    bearer: str

    def all(self) -> dict[str, tuple[str, dict[str, Any], str | None]]:
        """Return each by its name: the document, its variables, the access token."""
        slug, campaign = self.sale.shop.slug, self.sale.campaign
        nodes = {
            "Shop": self.sale.shop.id,
            "Product": campaign.items[0].product_id,
            "ProductVariant": campaign.items[0].variant_id,
            "Campaign": campaign.id,
            "CampaignItem": self.sale.item_id,
        }
        mail = {"shop": slug, "email": "eve@example.com"}
        cancel = {"orderId": self.order.id, "token": self.order.token}
        tracking = "subscription ($id: ID!, $token: String!) { orderTracking(orderId: $id, token: "
        follow = "subscription ($id: ID!) { campaign%s(campaignId: $id) { __typename } }"
        campaign_id = {"id": seal("Campaign", campaign.id)}
        return {
            "shop": ("query ($s: String!) { shop(slug: $s) { name } }", {"s": slug}, None),
            **{
                f"node {kind}": (
                    "query ($id: ID!) { node(id: $id) { id } }",
                    {"id": seal(kind, uuid)},
                    None,
                )
                for kind, uuid in nodes.items()
            },
            "order": (ORDER, self.order.key, None),
            "orderPlace": (PLACE, {"input": order_input(self.sale, idempotencyKey="b")}, None),
            "orderCancel": (CANCEL, {"input": cancel}, None),
            "paymentStart": (START, {"input": start_input(self.order)}, None),
            "signInCodeRequest": (REQUEST, {"input": mail}, None),
            "signInCodeRedeem": (REDEEM, {"input": {**mail, "code": "123456"}}, None),
            "me": ("{ me { id } }", {}, self.bearer),
            "signOut": (SIGN_OUT, {"input": {}}, self.bearer),
            "campaignAvailability": (follow % "Availability", campaign_id, None),
            "campaignProgress": (follow % "Progress", campaign_id, None),
            "orderTracking": (f"{tracking}$token) {{ __typename }} }}", self.order.key, None),
        }


class TestAShop:
    @pytest.fixture
    async def client(self, settings: Settings, sale: Sale) -> AsyncIterator[httpx.AsyncClient]:
        """A site with an open shop as well, so that the door lets everybody in."""
        await make_shop("open")
        async with api_serving(settings) as client:
            yield client

    @pytest.fixture
    async def wishes(self, client: httpx.AsyncClient, sale: Sale) -> Wishes:
        answer = (await ask(client, OURS, PLACE, input=order_input(sale))).json()
        order = answer["data"]["orderPlace"]
        api: Any = Api(client, None, None)  # type: ignore[arg-type]
        session = await Storefront(api, sale.shop).sign_in()
        placed = PlacedOrder(sale, order["order"]["id"], order["orderToken"])
        return Wishes(sale, placed, session["accessToken"])

    async def test_is_used_from_its_own_pages_alone(
        self,
        client: httpx.AsyncClient,
        wishes: Wishes,
        database_admin: asyncpg.Connection,
        redis: Redis,
    ) -> None:
        before = await everything(database_admin, redis)
        for name, (query, variables, bearer) in wishes.all().items():
            said = await first_codes(client, FOREIGN, query, variables, bearer)
            assert said == [REFUSED], name
        assert await everything(database_admin, redis) == before
        # Control: its own pages, and those who come from none, are answered.
        for origin in (OURS, None):
            for name, (query, variables, bearer) in wishes.all().items():
                if name not in ("orderPlace", "orderCancel", "signOut"):
                    said = await first_codes(client, origin, query, variables, bearer)
                    assert said == [], (origin, name)

    async def test_a_page_of_another_site_uses_the_other_shop(
        self, client: httpx.AsyncClient, sale: Sale
    ) -> None:
        query = "query ($s: String!) { shop(slug: $s) { slug } }"
        other = await ask(client, FOREIGN, query, s="open")
        assert other.json()["data"] == {"shop": {"slug": "open"}}
        refused = await ask(client, FOREIGN, query, s=sale.shop.slug)
        # The page can read why, and no cache keeps it.
        assert refused.headers[ALLOW] == "*"
        assert codes(refused) == [REFUSED]
        assert refused.json()["data"] == {"shop": None}
        assert refused.headers["cache-control"] == "no-store"

    async def test_each_operation_of_a_socket_is_asked(
        self, client: httpx.AsyncClient, sale: Sale
    ) -> None:
        query = "query ($s: String!) { shop(slug: $s) { slug } }"
        async with open_socket(client, origin=FOREIGN) as socket:
            await subscribe(socket, "1", query, {"s": sale.shop.slug})
            message = await receive(socket)
            errors = message["payload"]["errors"]
            assert [error["extensions"]["code"] for error in errors] == [REFUSED]


async def first_codes(
    client: httpx.AsyncClient,
    origin: str | None,
    query: str,
    variables: dict[str, Any],
    bearer: str | None,
) -> list[str]:
    """Return the codes of the errors at the top of an answer, of a stream's first result."""
    headers = {"accept": "application/json, text/event-stream"}
    if origin is not None:
        headers["origin"] = origin
    if bearer is not None:
        headers["authorization"] = f"Bearer {bearer}"
    body = {"query": query, "variables": variables}
    if not query.lstrip().startswith("subscription"):
        return codes(await client.post("/graphql", json=body, headers=headers))
    async with client.stream("POST", "/graphql", json=body, headers=headers) as answer:
        lines = answer.aiter_lines()
        with contextlib.suppress(StopAsyncIteration):
            async for line in lines:
                if line.startswith("data: {"):
                    payload = json.loads(line.removeprefix("data: "))
                    return [e["extensions"]["code"] for e in payload.get("errors", ())]
    raise AssertionError("the stream said nothing")
