"""What one caller may do of a kind in a minute; one more is refused before any of it is done."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from graphql import parse
from redis.asyncio import Redis

from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.redis_batches import Batches, Command
from headless_presale.operation_limits import CUSTOMER_SHARE, OFTEN, Kind, OperationLimits
from headless_presale.rate_limits import MESSAGE
from headless_presale.settings import Settings
from resolvers.rates import KINDS
from schema.contract import schema
from schema.permissions import Requires
from schema.transport.planning.operations import root_fields
from tests.conftest import SECRET_KEY
from tests.graphql.customers import REDEEM, mailed_code
from tests.integration.http.clients import CANCEL, NOBODYS, open_socket, receive, serving, subscribe
from tests.support.api import metric, order_in, order_request
from tests.support.shop import make_shop, open_sale
from tests.support.staff import sign_in
from tests.support.state import everything

HERE = "127.0.0.0/8"
"""This machine as the proxy in front: then a test chooses who it is."""
PLACEMENTS = "rate:placements:"
FIELD = "signOut(input: {}) { ended }"
ASK_FOR_CODE = """
mutation ($input: SignInCodeRequestInput!) {
  signInCodeRequest(input: $input) { expiresAt } }
"""
REFUSAL = {
    "errors": [
        {"message": MESSAGE, "extensions": {"code": "RATE_LIMITED", "retryAfterSeconds": 60}}
    ]
}


@pytest.fixture
def settings(
    database: str, redis: Redis, redis_url: str, tmp_path: Path, clock: ManualClock
) -> dict[str, Any]:
    return {
        "database_url": database,
        "redis_url": redis_url,
        "data_dir": tmp_path,
        "secret_key": SECRET_KEY,
        "trusted_proxies": HERE,
        "rate_limit_requests": 100,
        "rate_limit_placements": 2,
        "rate_limit_payments": 3,
    }


async def send(
    client: httpx.AsyncClient, body: dict[str, Any], address: str = "198.51.100.7", **headers: str
) -> httpx.Response:
    return await client.post("/graphql", json=body, headers={"x-forwarded-for": address, **headers})


async def cancel(
    client: httpx.AsyncClient, address: str = "198.51.100.7", **headers: str
) -> httpx.Response:
    """Ask for the cheapest of what counts as a payment."""
    return await send(client, {"query": CANCEL, "variables": NOBODYS}, address, **headers)


class TestOneCaller:
    async def test_one_placement_too_many_is_none(
        self, settings: dict[str, Any], redis: Redis, database_admin: asyncpg.Connection
    ) -> None:
        sale = await open_sale()
        refused = 'presale_requests_refused_total{reason="rate_placements"}'
        async with serving(settings) as client:
            refused_before = await metric(client, refused)
            order_in(await send(client, order_request(sale, "ann")))
            answer = await send(client, order_request(sale, "ben"))
            order_in(answer)
            assert answer.headers["ratelimit-policy"] == (
                '"requests";q=100;w=60, "placements";q=2;w=60'
            )
            assert answer.headers["ratelimit"] == '"requests";r=98;t=60, "placements";r=0;t=60'

            before = await _state(database_admin, redis)
            answer = await send(client, order_request(sale, "eve"))
            assert (answer.status_code, answer.json()) == (429, REFUSAL)
            assert answer.headers["retry-after"] == "60"
            assert answer.headers["ratelimit"] == '"requests";r=97;t=60, "placements";r=0;t=60'
            assert await _state(database_admin, redis) == before
            assert await metric(client, refused) == refused_before + 1

            # What is of another kind he may still do, and others may place.
            assert (await cancel(client)).status_code == 200
            order_in(await send(client, order_request(sale, "fay"), "198.51.100.8"))
        # Control: without the limit the same request places it.
        async with serving(settings, rate_limit_placements=0) as client:
            answer = await send(client, order_request(sale, "eve"))
            order_in(answer)
            assert "placements" not in answer.headers["ratelimit"]

    async def test_each_field_of_an_operation_counts_and_none_is_begun(
        self, settings: dict[str, Any], redis: Redis, database_admin: asyncpg.Connection
    ) -> None:
        sale = await open_sale()
        many = _aliased(order_request(sale, "ann"), 3)
        async with serving(settings) as client:
            before = await _state(database_admin, redis)
            answer = await send(client, many)
            assert (answer.status_code, answer.json()) == (429, REFUSAL)
            assert await _state(database_admin, redis) == before
        # Control: as many as he has.
        async with serving(settings, rate_limit_placements=3) as client:
            answer = await send(client, many, "198.51.100.9")
            ids = {placed["order"]["id"] for placed in answer.json()["data"].values()}
            assert len(ids) == 1, "the same request under the same key"

    async def test_this_machine_is_not_limited(self, settings: dict[str, Any]) -> None:
        async with serving(settings, trusted_proxies="") as client:
            answers = [await cancel(client) for _ in range(5)]
            assert {answer.status_code for answer in answers} == {200}
            assert "ratelimit" not in answers[-1].headers


class TestWho:
    async def test_a_customer_counts_wherever_he_is(self, settings: dict[str, Any]) -> None:
        shop = await make_shop()
        changes = {"rate_limit_payments": 2 * CUSTOMER_SHARE}
        async with serving(settings, **changes) as client:
            token = await _customer_token(client, shop)
            authorization = f"Bearer {token}"
            answers = [
                await cancel(client, f"198.51.100.{number}", authorization=authorization)
                for number in range(3)
            ]
            assert [answer.status_code for answer in answers] == [200, 200, 429]
            assert (
                answers[1]
                .headers["ratelimit"]
                .endswith('"payments";r=19;t=60, "payments-customer";r=0;t=60')
            )
            # His neighbours at the last address have what is left of its.
            assert (await cancel(client, "198.51.100.2")).status_code == 200

    async def test_an_address_counts_whoever_is_signed_in(self, settings: dict[str, Any]) -> None:
        shop = await make_shop()
        async with serving(settings, rate_limit_payments=2) as client:
            tokens = [await _customer_token(client, shop, name) for name in ("ann", "ben", "eve")]
            answers = [await cancel(client, authorization=f"Bearer {token}") for token in tokens]
            assert [answer.status_code for answer in answers] == [200, 200, 429]

    async def test_a_merchants_grant_counts_by_itself(self, settings: dict[str, Any]) -> None:
        shop = await make_shop()
        async with serving(settings) as client:
            caller = await sign_in(shop)
            answers = [
                await cancel(client, f"198.51.100.{number}", authorization=f"Bearer {caller.token}")
                for number in range(4)
            ]
            assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
            assert (await cancel(client, "198.51.100.1")).status_code == 200


class TestSockets:
    async def test_each_mutation_counts(self, settings: dict[str, Any]) -> None:
        async with serving(settings) as client:
            async with open_socket(client, **{"x-forwarded-for": "198.51.100.7"}) as socket:
                for number in range(3):
                    await subscribe(socket, str(number), CANCEL, NOBODYS)
                    assert (await receive(socket))["type"] == "next"
                    assert (await receive(socket))["type"] == "complete"
                await subscribe(socket, "one more", CANCEL, NOBODYS)
                refusal = await receive(socket)
                assert (refusal["id"], refusal["type"]) == ("one more", "error")
                assert refusal["payload"] == REFUSAL["errors"]
                # Reading is not limited by it.
                await subscribe(socket, "a look", "{ __typename }", {})
                assert (await receive(socket))["type"] == "next"
            # The same caller by HTTP, as JSON and as a stream of one.
            assert (await cancel(client)).status_code == 429
            assert (await cancel(client, accept="text/event-stream")).status_code == 429


class TestCounting:
    async def test_a_placement_costs_one_round_trip_more(
        self, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = await open_sale()
        sent: list[str] = []
        send_batch: Any = Batches._send

        async def noting(self: Batches, commands: Sequence[Command]) -> Any:
            # The request itself is told of a moment later.
            keys = [str(command[3]) for command in commands if command[0] == "EVALSHA"]
            sent.extend(re.sub(r":\d+$", "", key) for key in keys if key.startswith(PLACEMENTS))
            return await send_batch(self, commands)

        async with serving(settings) as client:
            await send(client, order_request(sale, "ann"))
            monkeypatch.setattr(Batches, "_send", noting)
            await send(client, order_request(sale, "ben"))
            assert sent == ["rate:placements:address:198.51.100.7"]
            sent.clear()
            # Reading costs none.
            await send(client, {"query": "{ __typename }"})
            assert sent == []

    @pytest.mark.parametrize(
        ("document", "counted"),
        [
            (f"mutation {{ a: {FIELD} b: {FIELD} }}", 2),
            (f"mutation {{ a: {FIELD} a: {FIELD} }}", 1),
            (f"mutation {{ a: {FIELD} ...F }} fragment F on Mutation {{ b: {FIELD} }}", 2),
            (f"mutation {{ a: {FIELD} ... {{ b: {FIELD} }} }}", 2),
            (f"mutation {{ a: {FIELD} ... @skip(if: true) {{ b: {FIELD} }} }}", 1),
        ],
    )
    def test_what_is_run_is_what_is_counted(self, document: str, counted: int) -> None:
        executor: Any = schema.execution_context_class.build(schema._schema, parse(document))
        assert root_fields(executor) == {"signOut": counted}


class TestTable:
    def test_every_mutation_of_a_storefront_names_its_limit(self) -> None:
        mutations = _mutations()
        unnamed = [name for name, needs_scope in mutations.items() if not needs_scope]
        assert sorted(set(unnamed) - set(KINDS)) == []
        assert sorted(set(KINDS) - set(mutations)) == []

    def test_every_kind_has_a_setting(self) -> None:
        assert all(getattr(Settings(), f"rate_limit_{kind}") > 0 for kind in Kind)


async def _state(connection: asyncpg.Connection, redis: Redis) -> Any:
    """Return all there is but the counts."""
    database, keys = await everything(connection, redis)
    return database, {key: value for key, value in keys.items() if not key.startswith("rate:")}


def _mutations() -> dict[str, bool]:
    """Return each mutation, and whether it needs a merchant's scope."""
    mutation = schema._schema.mutation_type
    assert mutation is not None
    return {
        name: any(
            isinstance(directive, Requires)
            for directive in field.extensions["strawberry-definition"].directives
        )
        for name, field in mutation.fields.items()
    }


def _aliased(request: dict[str, Any], times: int) -> dict[str, Any]:
    """Return a request that asks for the same field so many times."""
    field = "orderPlace(input: $input) { order { id } userErrors { code } }"
    fields = " ".join(f"a{number}: {field}" for number in range(times))
    return {**request, "query": f"mutation ($input: OrderPlaceInput!) {{ {fields} }}"}


async def _customer_token(client: httpx.AsyncClient, shop: Any, name: str = "ann") -> str:
    """Sign a customer in from an address of his own."""
    given = {"shop": shop.slug, "email": f"{name}@example.com"}
    await send(client, {"query": ASK_FOR_CODE, "variables": {"input": given}}, "203.0.113.1")
    code = await mailed_code(shop, given["email"])
    body = {"query": REDEEM, "variables": {"input": {**given, "code": code}}}
    answer = await send(client, body, "203.0.113.1")
    token: str = answer.json()["data"]["signInCodeRedeem"]["accessToken"]
    return token


class TestCountedWithoutRedis:
    """A process counts by itself what few do often, while it is little."""

    @pytest.mark.parametrize(
        ("kind", "is_told"),
        [(kind, kind not in OFTEN) for kind in Kind],
    )
    async def test_a_placement_is_and_a_guess_is_not(
        self, redis: Redis, clock: ManualClock, kind: Kind, is_told: bool
    ) -> None:
        limits = OperationLimits({kind: 100})
        counted = await limits.count({kind: 1}, caller="address:a", customer_id=None)
        assert [each.count.used for each in counted] == [1]
        assert bool(await redis.keys("rate:*")) is is_told

    async def test_who_has_to_prove_himself_is_known_before_that(
        self, redis: Redis, clock: ManualClock
    ) -> None:
        limits = [OperationLimits({Kind.PLACEMENTS: 100}, challenge_share=0.05) for _ in range(2)]
        wanted = {Kind.PLACEMENTS: 1}
        used = [
            each.count.used
            for _ in range(6)
            for process in limits
            for each in await process.count(wanted, caller="address:a", customer_id=None)
        ]
        # Five each without asking; the sixth of one is the sixth of all, and then of both.
        assert used == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 12]
