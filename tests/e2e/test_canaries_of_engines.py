"""Passwords of engines, and buyers' data, while engines refuse, are away or take too long."""

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.logs import configure_logs
from headless_presale.settings import Settings
from tests.conftest import SECRET_KEY
from tests.e2e.canaries import DATABASE_PASSWORD, MAIL, NAME, PHONE, STREET, leaks
from tests.graphql.ordering import PLACE, order_input
from tests.support import commands
from tests.support.api import api_serving
from tests.support.processes import free_port
from tests.support.shop import open_sale

REDIS_PASSWORD = "canary-redis-password"
PASSWORDS = {"database_password": DATABASE_PASSWORD, "redis_password": REDIS_PASSWORD}
PERSONAL = {"mail": MAIL, "name": NAME, "phone": PHONE, "street": STREET}


def with_password(address: str) -> str:
    """Return the address of a Redis with a password that it does not know."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=f"shop:{REDIS_PASSWORD}@{parts.netloc}"))


@pytest.mark.usefixtures("logs_as_before")
async def test_an_order_that_takes_too_long_while_redis_refuses_the_password(
    database: str,
    redis_url: str,
    clock: ManualClock,
    database_admin: asyncpg.Connection,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sale = await open_sale()
    settings = Settings.model_validate(
        {
            "database_url": database,
            "redis_url": with_password(redis_url),
            "data_dir": tmp_path,
            "secret_key": SECRET_KEY,
            "operation_timeout_seconds": 0.5,
        }
    )
    wish = order_input(
        sale,
        buyer={"email": MAIL, "name": NAME, "phone": PHONE},
        shippingAddress={"country": "CN", "city": "Shanghai", "line1": STREET},
    )
    told = []
    configure_logs(log_format="json", level="DEBUG")
    async with api_serving(settings) as client:
        # Nobody writes an order until the time for it is over.
        async with database_admin.transaction():
            await database_admin.execute("LOCK TABLE sales_order IN EXCLUSIVE MODE")
            body = {"query": PLACE, "variables": {"input": wish}}
            late = await client.post("/graphql", json=body)
        told += [late.text, *[(await client.get(path)).text for path in ("/readyz", "/metrics")]]

    assert [error["extensions"]["code"] for error in late.json()["errors"]] == ["TIMEOUT"]
    said = "".join(capsys.readouterr())
    assert leaks(said, PASSWORDS | PERSONAL) == []
    assert leaks("\n".join(told), PASSWORDS | PERSONAL) == []
    # It was late, and Redis did refuse.
    assert '"graphql.timed_out"' in said
    assert '"redis.unavailable"' in said


async def test_commands_whose_engines_are_away(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://shop:{DATABASE_PASSWORD}@127.0.0.1:{free_port()}/presale",
        "REDIS_URL": f"redis://shop:{REDIS_PASSWORD}@127.0.0.1:{free_port()}/0",
        "PRESALE_DATA_DIR": str(tmp_path),
        "PRESALE_SECRET_KEY": SECRET_KEY,
        "PRESALE_LOG_LEVEL": "DEBUG",
        "COLUMNS": "200",
    }

    for done in await asyncio.gather(
        *(commands.run(environment, command) for command in ("doctor", "migrate"))
    ):
        said = done.stdout + done.stderr
        assert done.returncode == 1
        assert "cannot be used" in said
        assert leaks(said, PASSWORDS) == []
