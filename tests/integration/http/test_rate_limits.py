"""The rate of one caller: what is left is told, one more is refused before anything is done."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from joserfc import jws
from redis.asyncio import Redis

from headless_presale import rate_limits
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.redis_batches import Batches, Command
from headless_presale.rate_limits import ALONE, MESSAGE, WINDOW_SECONDS, RateLimiter
from tests.conftest import SECRET_KEY
from tests.integration.http.clients import open_socket, receive, serving, subscribe
from tests.support.api import metric, order_in, order_request
from tests.support.shop import Sale, make_shop, open_sale
from tests.support.staff import sign_in
from tests.support.state import everything

HERE = "127.0.0.0/8"
"""This machine as the proxy in front: then a test chooses who it is."""
POLICY = '"requests";q=3;w=60'
REFUSED = 'presale_requests_refused_total{reason="rate"}'
JSON, NEWER = "application/json", "application/graphql-response+json"


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
        "rate_limit_requests": 3,
    }


async def ask(
    client: httpx.AsyncClient, address: str | None, *, accept: str = JSON, **headers: str
) -> httpx.Response:
    """Ask the cheapest question there is, from an address."""
    if address is not None:
        headers["x-forwarded-for"] = address
    body = {"query": "{ __typename }"}
    return await client.post("/graphql", json=body, headers={"accept": accept, **headers})


class TestOneCaller:
    @pytest.mark.parametrize("accept", [JSON, NEWER])
    async def test_what_is_left_is_told_and_one_more_is_refused(
        self, settings: dict[str, Any], clock: ManualClock, accept: str
    ) -> None:
        clock.advance(timedelta(seconds=18))
        async with serving(settings) as client:
            refused_before = await metric(client, REFUSED)
            answers = [await ask(client, "198.51.100.7", accept=accept) for _ in range(5)]

            assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
            assert {answer.headers["ratelimit-policy"] for answer in answers} == {POLICY}
            assert [answer.headers["ratelimit"] for answer in answers] == [
                f'"requests";r={left};t=42' for left in (2, 1, 0, 0, 0)
            ]
            refusal = answers[3]
            assert refusal.headers["retry-after"] == "42"
            assert refusal.headers["cache-control"] == "no-store"
            assert refusal.headers["content-type"] == f"{accept}; charset=utf-8"
            assert refusal.headers["x-request-id"]
            extensions = {"code": "RATE_LIMITED", "retryAfterSeconds": 42}
            assert refusal.json() == {"errors": [{"message": MESSAGE, "extensions": extensions}]}
            assert await metric(client, REFUSED) == refused_before + 2

            # Others are served, and he again when the minute is over.
            assert (await ask(client, "198.51.100.8")).status_code == 200
            clock.advance(timedelta(seconds=42))
            again = await ask(client, "198.51.100.7")
            assert again.status_code == 200
            assert again.headers["ratelimit"] == '"requests";r=2;t=60'

    async def test_a_refused_order_is_none(
        self, settings: dict[str, Any], redis: Redis, database_admin: asyncpg.Connection
    ) -> None:
        sale: Sale = await open_sale()
        order = order_request(sale, "buyer")
        headers = {"x-forwarded-for": "198.51.100.7"}
        async with serving(settings, rate_limit_requests=1) as client:
            await ask(client, "198.51.100.7")
            before = await everything(database_admin, redis)
            answer = await client.post("/graphql", json=order, headers=headers)
            assert answer.status_code == 429
            assert await everything(database_admin, redis) == before
        # Control: without the limit the same request places it.
        async with serving(settings, rate_limit_requests=0) as client:
            answer = await client.post("/graphql", json=order, headers=headers)
            order_in(answer)
            assert "requests" not in answer.headers["ratelimit"]

    async def test_malformed_requests_and_gets_count_and_everything_else_does_not(
        self, settings: dict[str, Any]
    ) -> None:
        who = {"x-forwarded-for": "198.51.100.7"}
        async with serving(settings) as client:
            for _ in range(5):
                assert (await client.get("/livez", headers=who)).status_code == 200
                await client.options("/graphql", headers=who)
            malformed = await client.post("/graphql", content=b"{", headers=who)
            assert malformed.headers["ratelimit"] == '"requests";r=2;t=60'
            query = {"query": "{ __typename }"}
            got = await client.get("/graphql", params=query, headers={**who, "accept": JSON})
            assert got.headers["ratelimit"] == '"requests";r=1;t=60'
            assert (await ask(client, "198.51.100.7")).status_code == 200
            assert (await ask(client, "198.51.100.7")).status_code == 429


class TestWho:
    async def test_this_machine_is_not_limited(self, settings: dict[str, Any]) -> None:
        async with serving(settings, trusted_proxies="") as client:
            # Whatever it says it is: behind a proxy that is not named all would be one caller.
            for address in (None, "198.51.100.7"):
                answers = [await ask(client, address) for _ in range(5)]
                assert {answer.status_code for answer in answers} == {200}
                assert "ratelimit" not in answers[-1].headers

    async def test_the_addresses_of_one_client_are_one_caller(
        self, settings: dict[str, Any]
    ) -> None:
        async with serving(settings) as client:
            answers = [await ask(client, f"2001:db8:1:2::{number}") for number in range(4)]
            assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
            assert (await ask(client, "2001:db8:1:3::1")).status_code == 200

    async def test_a_grant_is_counted_by_itself_and_an_invalid_token_by_its_address(
        self, settings: dict[str, Any]
    ) -> None:
        shop = await make_shop()
        async with serving(settings) as client:
            caller = await sign_in(shop)
            authorization = f"Bearer {caller.token}"
            answers = [
                await ask(client, f"198.51.100.{number}", authorization=authorization)
                for number in range(4)
            ]
            assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
            assert (await ask(client, "198.51.100.1")).status_code == 200

            forged = [
                await ask(client, "203.0.113.1", authorization=f"Bearer forged-{number}")
                for number in range(4)
            ]
            assert [answer.status_code for answer in forged] == [401, 401, 401, 429]

    async def test_its_token_is_verified_once(
        self, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verified: list[str] = []
        verify = jws.deserialize_compact

        def noted(token: str, *args: Any, **more: Any) -> Any:
            verified.append(token)
            return verify(token, *args, **more)

        shop = await make_shop()
        async with serving(settings) as client:
            caller = await sign_in(shop)
            monkeypatch.setattr(jws, "deserialize_compact", noted)
            answer = await client.post(
                "/graphql",
                json={"query": "{ viewer { scopes } }"},
                headers={
                    "authorization": f"Bearer {caller.token}",
                    "x-forwarded-for": "198.51.100.7",
                },
            )

        assert answer.json()["data"]["viewer"]["scopes"]
        assert verified == [caller.token]


class TestSockets:
    async def test_each_operation_counts(self, settings: dict[str, Any]) -> None:
        # One for the handshake.
        async with serving(settings, rate_limit_requests=4) as client:
            async with open_socket(client, **{"x-forwarded-for": "198.51.100.7"}) as socket:
                for number in range(3):
                    await subscribe(socket, str(number), "{ __typename }", {})
                    assert (await receive(socket))["type"] == "next"
                    assert (await receive(socket))["type"] == "complete"
                await subscribe(socket, "one more", "{ __typename }", {})
                refusal = await receive(socket)
                assert (refusal["id"], refusal["type"]) == ("one more", "error")
                (error,) = refusal["payload"]
                assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": 60}
            # The same caller by HTTP.
            assert (await ask(client, "198.51.100.7")).status_code == 429

    async def test_documents_that_cannot_be_run_count_too(self, settings: dict[str, Any]) -> None:
        two = "query A { __typename } query B { __typename }"
        async with (
            serving(settings, rate_limit_requests=4) as client,
            open_socket(client, **{"x-forwarded-for": "198.51.100.7"}) as socket,
        ):
            codes = []
            for number, document in enumerate(("{", "{ nothing }", two, "{")):
                await subscribe(socket, str(number), document, {})
                (error,) = (await receive(socket))["payload"]
                codes.append(error["extensions"]["code"])
        read = ["DOCUMENT_SYNTAX", "DOCUMENT_INVALID", "OPERATION_UNKNOWN"]
        assert codes == [*read, "RATE_LIMITED"]


class TestCounting:
    async def test_processes_count_together_in_one_round_trip(
        self, redis: Redis, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = RateLimiter(3), RateLimiter(3)
        assert [(await each.count("a")).used for each in (one, other, one, other)] == [1, 2, 3, 4]
        sent: list[Any] = []
        send: Any = Batches._send

        async def noting(self: Batches, commands: Sequence[Command]) -> Any:
            sent.extend(command[0] for command in commands)
            return await send(self, commands)

        monkeypatch.setattr(Batches, "_send", noting)
        await one.count("a")
        assert sent == ["EVALSHA"]
        # It does not stay for ever.
        assert [0 < await redis.ttl(key) <= 60 for key in await redis.keys("rate:*")] == [True]

    async def test_the_first_tenth_is_counted_without_redis(
        self, redis: Redis, clock: ManualClock
    ) -> None:
        one, other = (RateLimiter(100, alone=ALONE) for _ in range(2))

        assert [(await one.count("a")).used for _ in range(10)] == list(range(1, 11))
        assert (await other.count("a")).used == 1
        assert await redis.keys("rate:*") == []
        # Then Redis is told of all of it, and counts for both.
        assert (await one.count("a")).used == 11
        assert (await one.count("a", 3)).used == 14
        assert [(await other.count("a")).used for _ in range(9)] == list(range(2, 11))
        assert (await other.count("a")).used == 14 + 11
        assert (await one.count("a")).used == 26
        # Somebody else begins at nothing.
        assert (await one.count("b")).used == 1

    async def test_what_is_more_than_a_tenth_at_once_is_asked_for(
        self, redis: Redis, clock: ManualClock
    ) -> None:
        one, other = (RateLimiter(100, alone=ALONE) for _ in range(2))
        assert (await one.count("a", 4)).used == 4
        assert (await other.count("a", 20)).used == 20
        # Four and eight of the first, twenty of the other.
        assert (await one.count("a", 8)).used == 32

    async def test_it_is_a_tenth_more_for_each_process_at_most(
        self, redis: Redis, clock: ManualClock
    ) -> None:
        processes = [RateLimiter(100, alone=ALONE) for _ in range(3)]

        counts = [await process.count("a") for _ in range(60) for process in processes]

        let_in = sum(not count.is_over for count in counts)
        assert 100 <= let_in <= 100 + 3 * 10
        assert counts[-1].is_over

    async def test_who_is_one_too_many_to_be_known_is_asked_for(
        self, redis: Redis, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rate_limits, "MOST_KNOWN", 2)
        limiter, other = (RateLimiter(100, alone=ALONE) for _ in range(2))
        for caller in "abc":
            assert (await limiter.count(caller)).used == 1
        assert len(await redis.keys("rate:*")) == len(await redis.keys("rate:c:*")) == 1
        assert (await limiter.count("a")).used == 2
        assert (await limiter.count("c")).used == 2
        # Not known here, and not taken for one who has used nothing.
        assert (await other.count("c", 11)).used == 13

    async def test_the_next_window_begins_at_nothing(
        self, redis: Redis, clock: ManualClock
    ) -> None:
        limiter = RateLimiter(100, alone=ALONE)
        assert [(await limiter.count("a")).used for _ in range(3)] == [1, 2, 3]
        assert (await limiter.count("a", 10)).used == 13
        clock.advance(timedelta(seconds=WINDOW_SECONDS))
        assert (await limiter.count("a")).used == 1
