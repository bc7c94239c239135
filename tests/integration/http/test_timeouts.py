"""An order that takes longer than an operation may: answered in time, and not lost."""

from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from headless_presale.kernel.clock import ManualClock
from headless_presale.settings import Settings
from tests.integration.http.clients import open_socket, receive, subscribe
from tests.support.api import PLACE, api_serving, metric, order_in, order_request
from tests.support.servers import until
from tests.support.shop import open_sale

IN_FLIGHT = "presale_requests_in_flight"


@pytest.mark.parametrize("over", ["http", "socket"])
async def test_a_command_goes_on_and_counts_until_it_has_ended(
    database: str,
    database_admin: asyncpg.Connection,
    redis: Redis,
    redis_url: str,
    clock: ManualClock,
    tmp_path: Path,
    over: str,
) -> None:
    sale = await open_sale(capacity=50)
    request = order_request(sale, "patient")
    settings = Settings(
        database_url=database,
        redis_url=redis_url,
        data_dir=tmp_path,
        secret_key=SecretStr("time"),
        operation_timeout_seconds=2.0,
        statement_timeout_ms=60_000,
    )
    async with api_serving(settings) as client:
        # given: no order can be committed
        async with database_admin.transaction():
            await database_admin.execute("LOCK TABLE customer_quota IN EXCLUSIVE MODE")

            # when
            if over == "http":
                answer = await client.post("/graphql", json=request)
                assert answer.status_code == 503
                assert answer.headers["retry-after"] == "1"
                errors = answer.json()["errors"]
            else:
                async with open_socket(client) as socket:
                    await subscribe(socket, "1", PLACE, request["variables"])
                    errors = (await receive(socket))["payload"]["errors"]

            # then: the answer is there, and the command still has its place
            assert [error["extensions"]["code"] for error in errors] == ["TIMEOUT"]
            assert await metric(client, IN_FLIGHT) == 1
        await until(lambda: _is_free(client))

        again = order_in(await client.post("/graphql", json=request))

    assert again["lines"] == [{"slotNumbers": [1]}]
    assert await database_admin.fetchval("SELECT count(*) FROM sales_order") == 1


async def _is_free(client: httpx.AsyncClient) -> bool:
    return await metric(client, IN_FLIGHT) == 0
