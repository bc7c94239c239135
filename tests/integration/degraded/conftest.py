"""One site for the run: engines, API, gateway and worker of its own, to be killed and frozen."""

import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from headless_presale.cli.supervisor import free_port
from headless_presale.engines import EmbeddedEngines
from tests.integration.degraded.site import ANSWER_SECONDS, Site, seed, with_password
from tests.integration.engines.conftest import make_parent
from tests.support.processes import ApiProcess, ProductProcess

API_KEY = "degraded-api-key"
SECRET = "whsec_" + base64.b64encode(b"degraded-webhook-secret-0000").decode()


@pytest.fixture(scope="session")
async def site() -> AsyncIterator[Site]:
    """Run a shop; the gateway and the worker are not started."""
    async with AsyncExitStack() as stack:
        parent = make_parent()
        stack.callback(shutil.rmtree, parent, ignore_errors=True)
        urls = stack.enter_context(EmbeddedEngines(parent / "data"))
        assert urls.database_url
        assert urls.redis_url
        gateway_port = free_port()
        address = with_password(urls.database_url)
        environment = {
            "DATABASE_URL": address,
            "REDIS_URL": urls.redis_url,
            "PRESALE_DATA_DIR": str(parent),
            "PRESALE_DATABASE_POOL_SIZE": "5",
            "PRESALE_STATEMENT_TIMEOUT_MS": "1000",
            "PRESALE_TRUSTED_PROXIES": "127.0.0.0/8",
            "PRESALE_SANDBOX_GATEWAY_URL": f"http://127.0.0.1:{gateway_port}",
            "PRESALE_SANDBOX_GATEWAY_API_KEY": API_KEY,
            "PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET": SECRET,
        }
        sale = await seed(environment)
        api = stack.enter_context(ApiProcess(address, urls.redis_url, parent, environment))
        gateway = ProductProcess(
            ["sandbox-gateway"],
            {
                "SANDBOX_GATEWAY_PORT": str(gateway_port),
                "SANDBOX_GATEWAY_API_KEY": API_KEY,
                "SANDBOX_GATEWAY_WEBHOOK_SECRET": SECRET,
                "SANDBOX_GATEWAY_WEBHOOK_URL": f"{api.url}/webhooks/payments/sandbox",
                "SANDBOX_GATEWAY_DATA_FILE": str(parent / "gateway.sqlite3"),
            },
            parent / "gateway.log",
        )
        worker = ProductProcess(["worker"], environment, parent / "worker.log")
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=api.url, trust_env=False, timeout=ANSWER_SECONDS)
        )
        await api.until_ready()
        yield Site(
            parent / "data", urls.database_url, environment, api, client, gateway, worker, sale
        )
