"""PostgreSQL or Redis killed or frozen: a typed answer in bounded time, and back by itself."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from tests.integration.degraded.site import (
    DATABASE_FAILURES,
    DATABASE_PASSWORD,
    REDIS_FAILURES,
    Site,
)
from tests.support.api import order_in
from tests.support.servers import until

FALLBACKS = "presale_slot_fallbacks_total"
UNAVAILABLE = {"code": "UNAVAILABLE", "retryAfterSeconds": 1}
HELD_AT_COMMIT = """
CREATE FUNCTION wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(0.8); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER wait_at_commit AFTER INSERT ON sales_order
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_at_commit();
"""


def is_unavailable(answer: httpx.Response) -> bool:
    """Tell whether this is the typed answer; any other that is no order fails the test."""
    if answer.status_code == 200:
        order_in(answer)
        return False
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == "1"
    (error,) = answer.json()["errors"]
    assert error["extensions"] == UNAVAILABLE
    return True


async def placed_again(site: Site, buyer: str) -> dict[str, Any]:
    """Send the same request until it is answered, as its client is told to; return the order."""
    answers: list[httpx.Response] = []

    async def is_placed() -> bool:
        answers.append(await site.order(buyer))
        return not is_unavailable(answers[-1])

    await until(is_placed)
    return order_in(answers[-1])


class TestPostgres:
    async def test_killed(self, site: Site) -> None:
        order_in(await site.order("before-the-kill"))
        failures, pid = await site.metric(DATABASE_FAILURES), site.api.pid

        with site.dead(*site.postgres()):
            assert is_unavailable(await site.order("killed"))
            assert await site.metric(DATABASE_FAILURES) > failures
            assert (await site.readiness())["status"] == "unavailable"
            assert (await site.client.get("/livez")).status_code == 200

        await placed_again(site, "killed")
        assert await site.count_orders("killed", "before-the-kill") == 2
        assert (await site.readiness())["database"] is True
        assert site.api.is_alive()
        assert site.api.pid == pid
        # It told of what happened, and not how it signs in there.
        assert "database.unavailable" in site.api.log.read_text()
        assert DATABASE_PASSWORD not in site.api.log.read_text()

    async def test_frozen(self, site: Site) -> None:
        """More requests than connections: those that wait for one are bounded as well."""
        buyers = [f"frozen-{number}" for number in range(12)]
        await placed_again(site, "before-the-freeze")
        failures = await site.metric(DATABASE_FAILURES)

        with site.frozen_postgres():
            answers = await asyncio.gather(*map(site.order, buyers))
            assert all(map(is_unavailable, answers))
            # Connections that timed out were cut, so this one tries to open another.
            assert is_unavailable(await site.order(buyers[0]))
            # One for those that shared a reading or a transaction, one for the one that came later.
            assert await site.metric(DATABASE_FAILURES) >= failures + 2
            assert (await site.readiness())["status"] == "unavailable"

        # What had been sent when it froze was executed on waking, and rolled back.
        assert await site.count_orders(*buyers) == 0
        for buyer in buyers:
            await placed_again(site, buyer)
        assert await site.count_orders(*buyers) == 12
        assert await self._open_transactions(site) == 0

    async def test_frozen_for_readers(self, site: Site) -> None:
        """A field that may be null is null, as the GraphQL rules have it, and the error typed."""
        failures = await site.metric(DATABASE_FAILURES)
        document = "query ($shop: String!) { shop(slug: $shop) { name } }"
        with site.frozen_postgres():
            answer = await site.send(document, shop="nobody-has-asked-for-this")
            (error,) = answer.json()["errors"]
            assert error["extensions"] == UNAVAILABLE
            assert answer.json()["data"] == {"shop": None}
            assert await site.metric(DATABASE_FAILURES) > failures

        async def is_read() -> bool:
            answer = await site.send(document, shop=site.sale["shop"])
            return bool(answer.json()["data"] == {"shop": {"name": "Moonlit Forge"}})

        await until(is_read)

    async def test_frozen_while_it_commits_nobody_knows_and_the_same_key_is_safe(
        self, site: Site
    ) -> None:
        await self._script(site, HELD_AT_COMMIT)
        try:
            request = asyncio.create_task(site.order("at-commit"))
            await until(lambda: self._is_committing(site))
            with site.frozen_postgres():
                assert is_unavailable(await request)
            await until(lambda: self._is_idle(site))
        finally:
            await self._script(site, "DROP FUNCTION wait_at_commit() CASCADE")
        kept = await site.count_orders("at-commit")
        assert kept in (0, 1)

        first = await placed_again(site, "at-commit")

        assert (await placed_again(site, "at-commit"))["id"] == first["id"]
        assert await site.count_orders("at-commit") == 1

    async def _script(self, site: Site, sql: str) -> None:
        connection = await asyncpg.connect(site.database_url)
        await connection.execute(sql)
        await connection.close()

    async def _is_committing(self, site: Site) -> bool:
        return bool(
            await site.look(
                "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT;' "
                "AND state = 'active' AND application_name = 'headless-presale'"
            )
        )

    async def _is_idle(self, site: Site) -> bool:
        return await self._open_transactions(site) == 0

    async def _open_transactions(self, site: Site) -> int:
        count: int = await site.look(
            "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' "
            "AND application_name = 'headless-presale'"
        )
        return count


class TestRedis:
    @pytest.mark.parametrize("way", ["killed", "frozen"])
    async def test_orders_go_on(self, site: Site, way: str) -> None:
        """Slower, never wrong: the database gives out the numbers."""
        buyers = [f"redis-{way}-{number}" for number in range(12)]
        await self._redis_is_used(site, way)
        failures = await site.metric(REDIS_FAILURES)
        fallbacks = await site.metric(FALLBACKS)

        with (site.dead if way == "killed" else site.frozen)(site.valkey()):
            for answer in await asyncio.gather(*map(site.order, buyers)):
                order_in(answer)
            assert await site.metric(REDIS_FAILURES) > failures
            assert await site.metric(FALLBACKS) == fallbacks + 12
            assert (await site.readiness())["redis"] is False

        assert await site.count_orders(*buyers) == 12

        async def is_back() -> bool:
            return bool((await site.readiness())["redis"])

        await until(is_back)
        await placed_again(site, f"redis-{way}-after")

    async def _redis_is_used(self, site: Site, way: str) -> None:
        """Wait until an order gets its numbers from Redis: after a failure it rests a moment."""
        buyers = iter(range(100))

        async def is_used() -> bool:
            before = await site.metric(FALLBACKS)
            await placed_again(site, f"redis-{way}-before-{next(buyers)}")
            return await site.metric(FALLBACKS) == before

        await until(is_used)
