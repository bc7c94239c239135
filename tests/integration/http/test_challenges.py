"""Who does much of what robots are after shows that he is none; a dead provider stops nobody."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from headless_presale.challenges import (
    ChallengeRequired,
    SiteVerify,
    require_proof,
    set_challenger,
)
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import Unavailable
from headless_presale.refusal_texts import TEXTS
from headless_presale.settings import Settings
from tests.conftest import SECRET_KEY
from tests.integration.http.clients import open_socket, receive, serving, subscribe
from tests.support.api import PLACE, metric, order_in, order_request
from tests.support.challenge import SECRET, SITE_KEY, Challenges, challenges
from tests.support.shop import Sale, make_shop, open_sale
from tests.support.staff import sign_in

REFUSAL = {
    "errors": [
        {
            "message": TEXTS["CHALLENGE_REQUIRED"]["en"],
            "extensions": {"siteKey": SITE_KEY, "code": "CHALLENGE_REQUIRED"},
        }
    ]
}


@pytest.fixture
async def provider() -> AsyncIterator[Challenges]:
    async with challenges() as provider:
        yield provider


@pytest.fixture
def settings(
    database: str,
    redis: Redis,
    redis_url: str,
    tmp_path: Path,
    clock: ManualClock,
    provider: Challenges,
) -> dict[str, Any]:
    return {
        "database_url": database,
        "redis_url": redis_url,
        "data_dir": tmp_path,
        "secret_key": SECRET_KEY,
        # This machine as the proxy in front: then a test chooses who it is.
        "trusted_proxies": "127.0.0.0/8",
        "rate_limit_placements": 10,
        "challenge_url": provider.url,
        "challenge_secret": SECRET,
        "challenge_site_key": SITE_KEY,
        "challenge_share": 0.1,
    }


async def place(
    client: httpx.AsyncClient, sale: Sale, buyer: str, **headers: str
) -> httpx.Response:
    who = {"x-forwarded-for": "198.51.100.7"}
    return await client.post(
        "/graphql", json=order_request(sale, buyer), headers={**who, **headers}
    )


async def orders(connection: asyncpg.Connection) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM sales_order")
    return count


class TestAsked:
    async def test_who_places_much_is_asked_and_passes_with_a_proof(
        self,
        settings: dict[str, Any],
        provider: Challenges,
        database_admin: asyncpg.Connection,
    ) -> None:
        sale = await open_sale()
        async with serving(settings) as client:
            order_in(await place(client, sale, "ann"))
            assert provider.asked == []

            refused = await place(client, sale, "ben")
            assert (refused.status_code, refused.json()) == (403, REFUSAL)
            assert await orders(database_admin) == 1

            proof = provider.solve()
            order_in(await place(client, sale, "ben", **{"x-challenge-response": proof}))
            assert provider.asked[-1] == {
                "secret": SECRET,
                "response": proof,
                "remoteip": "198.51.100.7",
            }
            # Somebody else has done little.
            other = {"x-forwarded-for": "198.51.100.8"}
            order_in(await place(client, sale, "eve", **other))
        # Control: without a provider nobody is asked.
        async with serving(settings, challenge_url=None) as client:
            order_in(await place(client, sale, "fay"))

    @pytest.mark.parametrize("double_spending", [False, True])
    async def test_a_proof_is_good_for_one(
        self, settings: dict[str, Any], provider: Challenges, double_spending: bool
    ) -> None:
        provider.double_spending = double_spending
        sale = await open_sale()
        async with serving(settings, challenge_share=0) as client:
            proof = {"x-challenge-response": provider.solve()}
            order_in(await place(client, sale, "ann", **proof))
            asked = len(provider.asked)
            again = await place(client, sale, "ben", **proof)
            assert (again.status_code, again.json()) == (403, REFUSAL)
            assert len(provider.asked) == asked, "it was known to be used"

    async def test_of_many_under_one_proof_none_is_begun(
        self,
        settings: dict[str, Any],
        provider: Challenges,
        database_admin: asyncpg.Connection,
    ) -> None:
        sale = await open_sale()
        body = order_request(sale, "ann")
        field = "orderPlace(input: $input) { order { id } }"
        body["query"] = f"mutation ($input: OrderPlaceInput!) {{ a: {field} b: {field} }}"
        headers = {
            "x-forwarded-for": "198.51.100.7",
            "x-challenge-response": provider.solve(),
        }
        async with serving(settings) as client:
            answer = await client.post("/graphql", json=body, headers=headers)
            assert (answer.status_code, answer.json()) == (403, REFUSAL)
        assert await orders(database_admin) == 0

    async def test_a_wrong_or_endless_response_is_none(
        self, settings: dict[str, Any], provider: Challenges
    ) -> None:
        sale = await open_sale()
        async with serving(settings, challenge_share=0) as client:
            for wrong in ("made up", "x" * 5_000):
                answer = await place(client, sale, "ann", **{"x-challenge-response": wrong})
                assert answer.json() == REFUSAL
        assert [form["response"] for form in provider.asked] == ["made up"]

    async def test_a_response_that_the_provider_chokes_on_is_none(
        self,
        settings: dict[str, Any],
        provider: Challenges,
        database_admin: asyncpg.Connection,
    ) -> None:
        provider.chokes_on = "\x01"
        sale = await open_sale()
        body = order_request(sale, "ann") | {"extensions": {"challenge": provider.chokes_on}}
        who = {"x-forwarded-for": "198.51.100.7"}
        async with serving(settings, challenge_share=0) as client:
            for _ in range(2):
                answer = await client.post("/graphql", json=body, headers=who)
                assert answer.json() == REFUSAL
                # It may have been asked for often, and answers the next.
                provider.chokes_on = f"{provider.chokes_on}\x01"
                body["extensions"] = {"challenge": provider.chokes_on}
            assert await orders(database_admin) == 0
            order_in(await place(client, sale, "ann", **{"x-challenge-response": provider.solve()}))

    async def test_over_a_socket_it_is_in_the_extensions(
        self, settings: dict[str, Any], provider: Challenges
    ) -> None:
        sale = await open_sale()
        variables = order_request(sale, "ann")["variables"]
        async with (
            serving(settings, challenge_share=0) as client,
            open_socket(client, **{"x-forwarded-for": "198.51.100.7"}) as socket,
        ):
            await subscribe(socket, "1", PLACE, variables)
            assert (await receive(socket))["payload"] == REFUSAL["errors"]
            proof = {"challenge": provider.solve()}
            await subscribe(socket, "2", PLACE, variables, extensions=proof)
            placed = (await receive(socket))["payload"]["data"]["orderPlace"]
            assert placed["userErrors"] == []

    async def test_a_merchants_systems_are_not_asked(
        self, settings: dict[str, Any], provider: Challenges
    ) -> None:
        shop = await make_shop()
        sale = await open_sale(shop=shop)
        async with serving(settings, challenge_share=0) as client:
            caller = await sign_in(shop)
            bearer = {"authorization": f"Bearer {caller.token}"}
            order_in(await place(client, sale, "ann", **bearer))
        assert provider.asked == []


class TestProviderAway:
    async def test_nobody_is_kept_out(self, settings: dict[str, Any], provider: Challenges) -> None:
        sale = await open_sale()
        away = 'presale_challenges_total{outcome="provider_away"}'
        provider.is_broken = True
        async with serving(settings, challenge_share=0) as client:
            before = await metric(client, away)
            order_in(await place(client, sale, "ann", **{"x-challenge-response": "some"}))
            order_in(await place(client, sale, "ben"))
            order_in(await place(client, sale, "eve"))
            assert await metric(client, away) == before + 3
        # Whether it is there is asked for once in a while.
        assert [form["response"] for form in provider.asked] == ["some", ""]

    async def test_a_secret_it_does_not_know_is_our_fault(
        self, settings: dict[str, Any], provider: Challenges
    ) -> None:
        sale = await open_sale()
        changes = {"challenge_share": 0, "challenge_secret": "another"}
        async with serving(settings, **changes) as client:
            order_in(await place(client, sale, "ann"))

    @pytest.mark.parametrize("body", [b"[]", b"{}", b"<html>", b'{"success": "yes"}'])
    async def test_an_answer_of_another_shape_is_none(
        self, provider: Challenges, body: bytes
    ) -> None:
        provider.body = body
        asking = SiteVerify(url=provider.url, secret=SECRET, site_key=None)
        with pytest.raises(Unavailable):
            await asking.is_solved("some", address="")
        await asking.close()


async def test_another_kind_of_judge_can_be_installed(redis: Redis) -> None:
    class WordOfHonour:
        site_key: str | None = None

        async def is_solved(self, response: str, *, address: str) -> bool:
            return response == "I am no robot"

        async def is_there(self) -> bool:
            return True

        async def close(self) -> None: ...

    set_challenger(WordOfHonour())
    try:
        await require_proof("I am no robot", address="")
        with pytest.raises(ChallengeRequired):
            await require_proof(None, address="")
    finally:
        set_challenger(None)
    # Control: nobody asks.
    await require_proof(None, address="")


def test_a_provider_needs_a_secret_and_a_safe_address() -> None:
    with pytest.raises(ValueError, match="PRESALE_CHALLENGE_SECRET"):
        Settings.model_validate({"challenge_url": "https://provider.test"})
    given = {"challenge_url": "http://provider.test", "challenge_secret": SECRET}
    with pytest.raises(ValueError, match="https"):
        Settings.model_validate(given)
