"""The routes around GraphQL: health, metrics, ids, limits, also with engines away."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import asyncpg
import httpx
import pytest
from asgi_lifespan import LifespanManager
from redis.asyncio import Redis

from headless_presale import __version__
from headless_presale import app as app_module
from headless_presale.app import MAX_BODY_BYTES, create_app
from headless_presale.kernel import redis as redis_module
from headless_presale.payments import get_gateway
from headless_presale.settings import Settings
from tests.support.api import api_serving
from tests.support.gateway import WEBHOOK_PATH, SandboxRun
from tests.support.http import SCHEMA, EchoGraphQL
from tests.support.servers import until

pytestmark = pytest.mark.usefixtures("database", "redis")


@pytest.fixture
async def worker_lives(database_admin: asyncpg.Connection) -> None:
    """Leave a worker's sign of life, as one does every ten seconds."""
    await database_admin.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")


class TestHealth:
    async def test_alive(self, shop: httpx.AsyncClient) -> None:
        response = await shop.get("/livez")

        assert response.status_code == 200
        assert response.json() == {"status": "ok", "version": __version__}

    async def test_ready(self, shop: httpx.AsyncClient, worker_lives: None) -> None:
        response = await shop.get("/readyz")

        assert response.status_code == 200
        assert response.json() == {
            "status": "ok",
            "database": True,
            "redis": True,
            "worker": True,
        }

    async def test_without_a_worker_it_is_late_but_ready(
        self, shop: httpx.AsyncClient, database_admin: asyncpg.Connection
    ) -> None:
        never = await shop.get("/readyz")
        await database_admin.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) "
            "VALUES (now() - interval '31 seconds')"
        )
        no_more = await shop.get("/readyz")

        for response in (never, no_more):
            assert response.status_code == 200
            assert response.json() == {
                "status": "degraded",
                "database": True,
                "redis": True,
                "worker": False,
            }

    async def test_without_redis_it_is_slower_but_ready(
        self, shop: httpx.AsyncClient, worker_lives: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        away = Redis.from_url("unix:///nonexistent/valkey.sock")
        monkeypatch.setattr(redis_module, "_client", away)

        response = await shop.get("/readyz")

        assert response.status_code == 200
        assert response.json() == {
            "status": "degraded",
            "database": True,
            "redis": False,
            "worker": True,
        }
        assert (await shop.get("/livez")).status_code == 200

    async def test_without_its_database_it_is_not_ready_and_then_again(
        self,
        shop: httpx.AsyncClient,
        worker_lives: None,
        engine_urls: tuple[str, str],
        database: str,
    ) -> None:
        # given: PostgreSQL closes the connections and takes no new ones for this database
        name = database.split("/presale_")[1].split("?")[0]
        operator = await asyncpg.connect(engine_urls[0])
        await operator.execute(f'ALTER DATABASE "presale_{name}" ALLOW_CONNECTIONS false')
        await operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = $1 AND application_name = 'headless-presale'",
            f"presale_{name}",
        )
        try:
            response = await shop.get("/readyz")
            alive = await shop.get("/livez")
        finally:
            await operator.execute(f'ALTER DATABASE "presale_{name}" ALLOW_CONNECTIONS true')
            await operator.close()

        assert response.status_code == 503
        assert response.json() == {
            "status": "unavailable",
            "database": False,
            "redis": True,
            "worker": False,
        }
        assert alive.status_code == 200

        async def is_ready() -> bool:
            return (await shop.get("/readyz")).status_code == 200

        await until(is_ready)


class TestMetrics:
    async def _count(self, shop: httpx.AsyncClient, sample: str) -> float:
        text = (await shop.get("/metrics")).text
        found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    async def test_requests_are_counted_by_route_not_by_path(self, shop: httpx.AsyncClient) -> None:
        sample = (
            'presale_http_requests_total{method="POST",'
            'route="/webhooks/payments/{gateway}",status="404"}'
        )
        before = await self._count(shop, sample)

        for number in range(3):
            await shop.post(f"/webhooks/payments/nobody-{number}")

        assert await self._count(shop, sample) == before + 3
        assert "nobody" not in (await shop.get("/metrics")).text

    async def test_unknown_paths_and_methods_share_a_label(self, shop: httpx.AsyncClient) -> None:
        sample = 'presale_http_requests_total{method="other",route="unmatched",status="404"}'
        before = await self._count(shop, sample)

        await shop.request("MADE-UP-1", "/nowhere/1")
        await shop.request("MADE-UP-2", "/nowhere/2")

        assert await self._count(shop, sample) == before + 2
        text = (await shop.get("/metrics")).text
        assert "MADE-UP" not in text
        assert "nowhere" not in text

    async def test_the_format_is_prometheus_own(self, shop: httpx.AsyncClient) -> None:
        response = await shop.get("/metrics")

        assert response.headers["content-type"].startswith("text/plain; version=")
        assert "presale_http_request_seconds_bucket" in response.text


class TestRequestIds:
    async def test_each_request_has_its_own(self, shop: httpx.AsyncClient) -> None:
        ids = {(await shop.get("/livez")).headers["x-request-id"] for _ in range(3)}

        assert len(ids) == 3
        assert all(re.fullmatch("[0-9a-f]{32}", request_id) for request_id in ids)

    async def test_a_callers_plain_id_is_kept(self, shop: httpx.AsyncClient) -> None:
        response = await shop.get("/livez", headers={"X-Request-ID": "edge-7.Ab_c"})

        assert response.headers["x-request-id"] == "edge-7.Ab_c"

    @pytest.mark.parametrize("given", ["", "x" * 65, "with space", "a;b", "<script>", "caf\u00e9"])
    async def test_any_other_is_replaced(self, shop: httpx.AsyncClient, given: str) -> None:
        headers = [(b"x-request-id", given.encode())]

        response = await shop.get("/livez", headers=headers)

        assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])

    async def test_a_crash_is_answered_with_the_id_alone(self, shop: httpx.AsyncClient) -> None:
        response = await shop.post("/graphql", content=b"crash", headers={"X-Request-ID": "r-1"})

        assert response.status_code == 500
        assert response.headers["x-request-id"] == "r-1"
        assert response.json() == {"error": {"code": "INTERNAL", "requestId": "r-1"}}


class TestRoutes:
    async def test_graphql_is_the_endpoint_handed_in(self, shop: httpx.AsyncClient) -> None:
        assert (await shop.post("/graphql", content=b"{ shop }")).text == "{ shop }"

    async def test_the_schema_is_served(self, shop: httpx.AsyncClient) -> None:
        response = await shop.get("/schema.graphql")

        assert response.text == SCHEMA
        assert response.headers["cache-control"] == "max-age=60"

    async def test_what_is_not_there(self, shop: httpx.AsyncClient) -> None:
        assert (await shop.get("/nowhere")).status_code == 404
        assert (await shop.get(WEBHOOK_PATH)).status_code == 405


class TestBodies:
    async def _chunks(self, size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 1_000):
            yield b"x" * 1_000

    @pytest.mark.parametrize("path", [WEBHOOK_PATH, "/graphql"])
    async def test_too_large_a_body_is_refused(
        self,
        sandbox: SandboxRun,
        shop: httpx.AsyncClient,
        database_admin: asyncpg.Connection,
        path: str,
    ) -> None:
        whole = await shop.post(path, content=b"x" * (MAX_BODY_BYTES + 1))
        in_chunks = await shop.post(path, content=self._chunks(MAX_BODY_BYTES + 2_000))

        assert (whole.status_code, in_chunks.status_code) == (413, 413)
        assert await database_admin.fetchval("SELECT count(*) FROM gateway_event") == 0

    async def test_the_largest_body_is_taken(self, shop: httpx.AsyncClient) -> None:
        response = await shop.post("/graphql", content=b"x" * MAX_BODY_BYTES)

        assert (response.status_code, len(response.text)) == (200, MAX_BODY_BYTES)


async def test_the_lifespan_opens_what_requests_need_and_closes_it(
    database: str, redis: Redis, worker_lives: None, tmp_path: Path
) -> None:
    settings = Settings.model_validate(
        {
            "database_url": database,
            "redis_url": redis_module._client_url,
            "data_dir": tmp_path,
            "sandbox_gateway_url": "http://127.0.0.1:1",
            "sandbox_gateway_api_key": "sandbox-key",
            "sandbox_gateway_webhook_secret": "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldA==",
        }
    )
    closed: list[bool] = []

    async def close_streams() -> None:
        closed.append(True)

    app = create_app(
        graphql=EchoGraphQL(),
        schema_text=lambda: SCHEMA,
        settings=settings,
        close_streams=close_streams,
    )
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(app=manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            assert (await client.get("/readyz")).json()["status"] == "ok"
            assert get_gateway("sandbox").name == "sandbox"
            assert closed == []

    assert closed == [True]
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", ["production", "development"])
async def test_in_production_the_schema_is_read_in_one_place_alone(
    database: str, redis_url: str, tmp_path: Path, mode: Literal["production", "development"]
) -> None:
    settings = Settings(database_url=database, redis_url=redis_url, data_dir=tmp_path, mode=mode)
    query = "{ __schema { queryType { name } } }"
    async with api_serving(settings) as client:
        asked = await client.post("/graphql", json={"query": query})
        misspelt = await client.post("/graphql", json={"query": "{ sho { name } }"})
        editor = await client.get("/graphql", headers={"accept": "text/html"})
        printed = await client.get("/schema.graphql")

    is_development = mode == "development"
    assert ("data" in asked.json()) is is_development
    assert ("INTROSPECTION_DISABLED" in asked.text) is not is_development
    assert ("Did you mean" in misspelt.text) is is_development
    assert ("GraphiQL" in editor.text) is is_development
    assert "type Query" in printed.text


@pytest.mark.parametrize(
    ("mode", "is_built", "leads_to"),
    [
        ("production", True, "/admin/"),
        ("production", False, "/schema.graphql"),
        ("development", False, "/graphql"),
    ],
)
async def test_the_root_leads_to_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mode: Literal["production", "development"],
    is_built: bool,
    leads_to: str,
) -> None:
    monkeypatch.setattr(app_module, "DIST", tmp_path if is_built else tmp_path / "nothing")
    app = create_app(
        graphql=EchoGraphQL(), schema_text=lambda: SCHEMA, settings=Settings(mode=mode)
    )

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        response = await client.get("/")

    assert response.headers["location"] == leads_to
