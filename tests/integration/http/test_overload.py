"""The door: one request more than the limit is refused at once, and every place comes back.

Nothing here is timed. What is slow is slow because a lock that it needs is really held.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from headless_presale.cli.http import DoorProtocol
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.middleware import SECURITY_HEADERS
from headless_presale.overload import MESSAGE, Door, Overloaded
from headless_presale.settings import Settings
from resolvers.global_ids import seal
from tests.integration.http.clients import (
    one_place_taken,
    open_socket,
    receive,
    send_slowly,
    subscribe,
)
from tests.support.api import PLACE, api_serving, metric, order_in, order_request
from tests.support.servers import until
from tests.support.shop import Sale, open_sale
from tests.support.state import everything

IN_FLIGHT = "presale_requests_in_flight"
REFUSED = 'presale_requests_refused_total{reason="in_flight"}'
REFUSAL = {
    "errors": [{"message": MESSAGE, "extensions": {"code": "OVERLOADED", "retryAfterSeconds": 1}}]
}
AVAILABILITY = "subscription ($id: ID!) { campaignAvailability(campaignId: $id) { status } }"


class MakeApi(Protocol):
    def __call__(self, max_in_flight: int) -> AbstractAsyncContextManager[httpx.AsyncClient]: ...


@pytest.fixture(params=[DoorProtocol, "auto"], ids=["as served", "any server"])
def api(
    database: str, redis: Redis, redis_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> MakeApi:
    """Return what serves the API with a limit of the test's choice.

    The product's server asks the door before the application starts, any other one inside it.
    """

    def serve(max_in_flight: int) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        return api_serving(
            Settings(
                database_url=database,
                redis_url=redis_url,
                data_dir=tmp_path,
                secret_key=SecretStr("door"),
                database_pool_size=40,
                redis_timeout_seconds=2.0,
                max_in_flight=max_in_flight,
            ),
            protocol=request.param,
        )

    return serve


@pytest.fixture
async def sale(database: str, redis: Redis, clock: ManualClock) -> Sale:
    return await open_sale(capacity=50)


@contextlib.asynccontextmanager
async def orders_held(admin: asyncpg.Connection) -> AsyncIterator[None]:
    """Let no order be committed inside the block: what each of them has to write to is locked."""
    async with admin.transaction():
        await admin.execute("LOCK TABLE customer_quota IN EXCLUSIVE MODE")
        yield


async def inside(client: httpx.AsyncClient, count: int) -> None:
    """Wait until so many requests are being worked on."""

    async def is_so() -> bool:
        return await metric(client, IN_FLIGHT) == count

    await until(is_so)


def place(client: httpx.AsyncClient, sale: Sale, buyer: str) -> "asyncio.Task[httpx.Response]":
    return asyncio.create_task(client.post("/graphql", json=order_request(sale, buyer)))


class TestRefusal:
    async def test_the_connection_goes_on_behind_a_refusal(
        self, api: MakeApi, sale: Sale, database_admin: asyncpg.Connection
    ) -> None:
        async with api(1) as client:
            async with orders_held(database_admin):
                first = place(client, sale, "first")
                await inside(client, 1)
                port = client.base_url.port
                reader, writer = await asyncio.open_connection("127.0.0.1", port)

                # when: a body comes in two parts, and the next request right behind it
                head = b"POST /graphql HTTP/1.1\r\nHost: shop\r\nContent-Length: 20\r\n\r\n"
                writer.write(head + b"0123456789")
                refusal = await reader.readuntil(b"}]}")
                writer.write(b"0123456789GET /livez HTTP/1.1\r\nHost: shop\r\n\r\n")
                alive = await reader.readuntil(b"\r\n\r\n")

                # then
                assert refusal.startswith(b"HTTP/1.1 503 ")
                assert b"\r\nretry-after: 1\r\n" in refusal
                assert alive.startswith(b"HTTP/1.1 200 ")
                writer.write(b"POST /graphql HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n")
                writer.write(b"Content-Length: 0\r\n\r\n")
                assert (await reader.read()).endswith(b"}]}")
                writer.close()
            assert (await first).status_code == 200

    async def test_one_more_than_the_limit_is_refused_and_changes_nothing(
        self, api: MakeApi, sale: Sale, database_admin: asyncpg.Connection, redis: Redis
    ) -> None:
        async with api(1) as client:
            refused = await metric(client, REFUSED)
            # given: the only place is taken by an order that waits for the database
            async with orders_held(database_admin):
                first = place(client, sale, "first")
                await inside(client, 1)
                before = await everything(database_admin, redis)

                # when
                second = await place(client, sale, "second")

                # then
                assert second.status_code == 503
                assert second.json() == REFUSAL
                assert second.headers["retry-after"] == "1"
                assert second.headers["content-type"] == "application/json; charset=utf-8"
                assert second.headers["cache-control"] == "no-store"
                assert await metric(client, REFUSED) == refused + 1
                assert await everything(database_admin, redis) == before
                assert not first.done()

            assert order_in(await first)["lines"] == [{"slotNumbers": [1]}]
            assert order_in(await place(client, sale, "second"))["lines"] == [{"slotNumbers": [2]}]
            assert await metric(client, IN_FLIGHT) == 0

    async def test_it_has_the_shape_of_what_the_schema_refuses_itself(
        self, api: MakeApi, sale: Sale
    ) -> None:
        """Whether the door or the transport writes the answer, a client cannot tell."""
        async with api(1) as client:
            writer = await send_slowly(client, order_request(sale, "slow"))
            async with one_place_taken():
                late = await writer.finish()
            async with one_place_taken():
                at_the_door = await place(client, sale, "door")

        assert late.status_code == at_the_door.status_code == 503
        assert late.json() == at_the_door.json() == REFUSAL
        for name in ("content-type", "retry-after", "cache-control", "vary", *SECURITY_HEADERS):
            assert late.headers[name] == at_the_door.headers[name], name

    async def test_the_newer_media_type_is_answered_to_those_who_name_it(
        self, api: MakeApi, sale: Sale
    ) -> None:
        async with api(1) as client, one_place_taken():
            answer = await client.get(
                "/graphql",
                params={"query": "{ __typename }"},
                headers={"Accept": "application/graphql-response+json"},
            )

        assert answer.status_code == 503
        media = "application/graphql-response+json; charset=utf-8"
        assert answer.headers["content-type"] == media
        assert answer.json() == REFUSAL

    async def test_a_webhook_is_refused_as_webhooks_are(self, api: MakeApi) -> None:
        async with api(1) as client, one_place_taken():
            answer = await client.post("/webhooks/payments/sandbox", content=b"{}")

        assert answer.status_code == 503
        assert answer.json() == {"error": {"code": "OVERLOADED"}}
        assert answer.headers["retry-after"] == "1"

    async def test_health_metrics_and_files_need_no_place(self, api: MakeApi) -> None:
        async with api(1) as client, one_place_taken():
            paths = ("/livez", "/readyz", "/metrics", "/schema.graphql")
            answers = [await client.get(path) for path in paths]
            assert (await client.post("/graphql", json={"query": "{ __typename }"})).is_error

        assert [answer.status_code for answer in answers] == [200, 200, 200, 200]

    async def test_the_connection_can_be_used_again(self, api: MakeApi) -> None:
        async with (
            api(1) as client,
            httpx.AsyncClient(
                base_url=client.base_url,
                trust_env=False,
                limits=httpx.Limits(max_connections=1),
            ) as one_connection,
        ):
            query = {"query": "{ __typename }" + " " * 30_000}
            async with one_place_taken():
                refused = await one_connection.post("/graphql", json=query)
            answered = await one_connection.post("/graphql", json=query)

        assert (refused.status_code, answered.status_code) == (503, 200)
        assert answered.json()["data"] == {"__typename": "Query"}


class TestPlaces:
    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            ({"json": {"query": "{ __typename }"}}, 200),
            ({"json": {"query": "{ nothing }"}}, 200),
            ({"json": {"query": "{"}}, 200),
            ({"content": b"no json", "headers": {"content-type": "application/json"}}, 400),
            ({"content": b"text", "headers": {"content-type": "text/plain"}}, 415),
            ({"json": {"query": "x" * 110_000}}, 413),
            ({"content": b"x" * 300_000, "headers": {"content-type": "application/json"}}, 413),
        ],
    )
    async def test_it_is_given_back_whatever_the_answer(
        self, api: MakeApi, request_: dict[str, Any], status: int
    ) -> None:
        async with api(1) as client:
            answers = [await client.post("/graphql", **request_) for _ in range(3)]

            assert [answer.status_code for answer in answers] == [status] * 3
            assert await metric(client, IN_FLIGHT) == 0

    async def test_a_client_that_goes_keeps_it_until_its_command_has_ended(
        self, api: MakeApi, sale: Sale, database_admin: asyncpg.Connection
    ) -> None:
        async with api(1) as client:
            async with orders_held(database_admin):
                # given: a buyer whose order is being placed leaves
                writer = await send_slowly(client, order_request(sale, "gone"))
                await writer.send_rest()
                await inside(client, 1)
                await writer.abort()

                # when, then: the order still uses the database
                assert (await place(client, sale, "other")).json() == REFUSAL
                assert await metric(client, IN_FLIGHT) == 1

            await inside(client, 0)
            order_in(await place(client, sale, "other"))
        assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 2

    async def test_a_stream_gives_it_back_when_it_starts(self, api: MakeApi, sale: Sale) -> None:
        body = {
            "query": AVAILABILITY,
            "variables": {"id": seal("Campaign", sale.campaign.id)},
        }
        headers = {"Accept": "text/event-stream"}
        async with (
            api(1) as client,
            client.stream("POST", "/graphql", json=body, headers=headers) as stream,
        ):
            assert stream.status_code == 200
            assert await anext(stream.aiter_bytes())

            assert await metric(client, IN_FLIGHT) == 0
            order_in(await place(client, sale, "beside"))

    async def test_a_body_that_comes_slowly_takes_none(self, api: MakeApi, sale: Sale) -> None:
        async with api(1) as client:
            slow = await send_slowly(client, order_request(sale, "slow"))

            order_in(await place(client, sale, "quick"))

            assert order_in(await slow.finish())["lines"] == [{"slotNumbers": [2]}]

    async def test_a_command_whose_caller_was_cancelled_counts(
        self, database: str, database_admin: asyncpg.Connection
    ) -> None:
        @shielded
        async def take_quota() -> None:
            async with unit_of_work() as work:
                await work.execute("LOCK TABLE customer_quota IN EXCLUSIVE MODE")

        door = Door(1)
        async with orders_held(database_admin):
            # given: somebody came in, began a command and went
            caller = asyncio.create_task(take_quota())
            place_ = door.enter()
            await _until_waiting(database_admin)
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
            place_.leave()

            # when, then
            assert (door.places_taken, door.count_inside()) == (0, 1)
            with pytest.raises(Overloaded):
                door.enter()

        await until(lambda: door.count_inside() == 0)
        door.enter().leave()
        assert door.count_inside() == 0

    def test_leaving_twice_gives_one_place_back(self) -> None:
        door = Door(2)
        first, _second = door.enter(), door.enter()

        first.leave()
        first.leave()

        assert door.places_taken == 1


class TestSockets:
    async def test_their_queries_and_commands_need_a_place_their_subscriptions_none(
        self, api: MakeApi, sale: Sale, database_admin: asyncpg.Connection, redis: Redis
    ) -> None:
        async with api(1) as client, open_socket(client) as socket:
            async with orders_held(database_admin):
                # given: an order over the socket holds the only place
                await subscribe(socket, "held", PLACE, order_request(sale, "held")["variables"])
                await inside(client, 1)
                before = await everything(database_admin, redis)

                # when, then: neither another one nor a request gets in
                for number, document in (("query", "{ __typename }"), ("order", PLACE)):
                    await subscribe(
                        socket, number, document, order_request(sale, "more")["variables"]
                    )
                    assert await receive(socket) == {
                        "id": number,
                        "type": "error",
                        "payload": REFUSAL["errors"],
                    }
                assert (await place(client, sale, "request")).json() == REFUSAL
                assert await everything(database_admin, redis) == before

                # but a subscription opens
                variables = {"id": seal("Campaign", sale.campaign.id)}
                await subscribe(socket, "live", AVAILABILITY, variables)
                news = await receive(socket)
                assert (news["id"], news["type"]) == ("live", "next")

            while (message := await receive(socket))["id"] != "held":
                assert message["id"] == "live"
            assert message["payload"]["data"]["orderPlace"]["userErrors"] == []
            await inside(client, 0)
            order_in(await place(client, sale, "request"))


class TestLimit:
    async def test_without_a_limit_everything_is_let_in_and_waits(
        self, api: MakeApi, sale: Sale, database_admin: asyncpg.Connection
    ) -> None:
        """The control: what the door is there for."""
        async with api(0) as client:
            async with orders_held(database_admin):
                waiting = [place(client, sale, f"buyer{number}") for number in range(30)]
                await inside(client, 30)
                assert not any(task.done() for task in waiting)

            for answer in await asyncio.gather(*waiting):
                order_in(answer)

    async def test_with_one_the_queue_ends_there(
        self, api: MakeApi, sale: Sale, database_admin: asyncpg.Connection
    ) -> None:
        async with api(4) as client:
            async with orders_held(database_admin):
                waiting = [place(client, sale, f"buyer{number}") for number in range(30)]
                await until(lambda: sum(task.done() for task in waiting) == 26)
                assert await metric(client, IN_FLIGHT) == 4
                refused = [task.result() for task in waiting if task.done()]
                assert [answer.json() for answer in refused] == [REFUSAL] * 26

            answers = await asyncio.gather(*waiting)
            assert sum(answer.status_code == 200 for answer in answers) == 4
        assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 4

    def test_the_default_has_room_for_sixty_four_buyers_at_once(self) -> None:
        assert Settings.model_fields["max_in_flight"].default >= 64


async def _until_waiting(admin: asyncpg.Connection) -> None:
    async def is_so() -> bool:
        return bool(await admin.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

    await until(is_so)
