"""A database of an earlier version."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from tests.conftest import with_database
from tests.integration.migrations.filling import migrate_to


@pytest.fixture
async def database_of(
    engine_urls: tuple[str, str], worker_id: str
) -> AsyncIterator[Callable[[str], Awaitable[str]]]:
    """Return what makes a database of the version that a migration led to, and its address."""
    name = f"presale_earlier_{worker_id}"
    admin = await asyncpg.connect(engine_urls[0])

    async def make(version: str) -> str:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {name}")
        url = with_database(engine_urls[0], name)
        await migrate_to(url, version)
        return url

    yield make
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.close()
