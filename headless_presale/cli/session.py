"""What a command opens: the engines its settings name, or the embedded ones."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from headless_presale.database import migrate
from headless_presale.engines import EmbeddedEngines
from headless_presale.kernel.events import acting_as
from headless_presale.kernel.logs import configure_logs
from headless_presale.runtime import open_runtime
from headless_presale.settings import Settings, get_settings

R = TypeVar("R")


@contextmanager
def engines() -> Iterator[Settings]:
    """Yield settings that name running engines; start or attach to the embedded ones if unset."""
    settings = get_settings()
    configure_logs(log_format=settings.log_format, level=settings.log_level)
    wants_postgres, wants_valkey = settings.database_url is None, settings.redis_url is None
    if not (wants_postgres or wants_valkey):
        yield settings
        return
    with EmbeddedEngines(
        settings.data_dir.resolve(), postgres=wants_postgres, valkey=wants_valkey
    ) as urls:
        yield settings.model_copy(
            update={
                "database_url": settings.database_url or urls.database_url,
                "redis_url": settings.redis_url or urls.redis_url,
            }
        )


def environment_of(settings: Settings) -> dict[str, str]:
    """Return what a process started by this one needs to find the same engines."""
    assert settings.database_url
    assert settings.redis_url
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PORT": str(settings.port),
        "PRESALE_DATA_DIR": str(settings.data_dir.resolve()),
    }


def within_runtime(work: Coroutine[Any, Any, R], settings: Settings) -> R:
    """Run a coroutine with everything open, on a migrated database, acting as ``cli``."""

    async def run() -> R:
        assert settings.database_url
        await migrate(settings.database_url)
        async with open_runtime(settings):
            with acting_as("cli"):
                return await work

    return asyncio.run(run())
