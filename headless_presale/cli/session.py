"""What a command opens: the engines its settings name, or the embedded ones."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from headless_presale.cli.telling import tell
from headless_presale.kernel.logs import configure_logs
from headless_presale.settings import Settings, get_settings

# A server that is told its engines, and one that only looks after workers, needs neither embedded
# engines nor the use cases: what needs them imports them.
if TYPE_CHECKING:
    from headless_presale.engines import EmbeddedEngines, EngineUrls

R = TypeVar("R")

ADDRESS_FILE = "address"


def engines_of(settings: Settings) -> "EmbeddedEngines | None":
    """Return the embedded engines that stand in for what the settings do not name, unstarted."""
    wants_postgres, wants_valkey = settings.database_url is None, settings.redis_url is None
    if not (wants_postgres or wants_valkey):
        return None
    from headless_presale.engines import EmbeddedEngines

    folder = settings.data_dir.resolve()
    if not folder.exists():
        tell(f"New data folder {folder}")
    return EmbeddedEngines(folder, postgres=wants_postgres, valkey=wants_valkey)


def with_urls(settings: Settings, urls: "EngineUrls") -> Settings:
    """Return the settings with the addresses of running engines where they name none."""
    return settings.model_copy(
        update={
            "database_url": settings.database_url or urls.database_url,
            "redis_url": settings.redis_url or urls.redis_url,
        }
    )


def keep_address(settings: Settings) -> None:
    """Leave the address that is served in its database's folder, for the commands beside it."""
    if settings.database_url is not None:
        return
    path = settings.data_dir / ADDRESS_FILE
    # Renamed, so that nobody reads half of it, and over the file of whoever ran it before.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(f"{settings.base_url}\n")
    draft.replace(path)


def with_address(settings: Settings) -> Settings:
    """Return the settings with the address that was served last, where they name none themselves.

    Tokens and mailed links are good at one address only. It counts for the folder's own
    database, and yields to ``PORT`` and ``PRESALE_PUBLIC_URL``.
    """
    has_own = settings.public_url or "port" in settings.model_fields_set
    if has_own or settings.database_url is not None:
        return settings
    try:
        address = (settings.data_dir / ADDRESS_FILE).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return settings
    if not address.startswith(("http://", "https://")):
        return settings
    return settings.model_copy(update={"public_url": address})


@contextmanager
def engines(*, is_server: bool = False) -> Iterator[Settings]:
    """Yield settings that name running engines; start or attach to the embedded ones if unset.

    Args:
        is_server: whether the settings' own address is the one to listen on, and to be kept.
    """
    settings = get_settings()
    configure_logs(log_format=settings.log_format, level=settings.log_level)
    if not is_server:
        settings = with_address(settings)
    embedded = engines_of(settings)
    if embedded is None:
        yield settings
        return
    with embedded as urls:
        if is_server:
            keep_address(settings)
        yield with_urls(settings, urls)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return what a process started by this one needs to find the same engines."""
    assert settings.database_url
    assert settings.redis_url
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        # Read already; a setting with both a value and a file is refused.
        "DATABASE_URL_FILE": "",
        "REDIS_URL_FILE": "",
        "PORT": str(settings.port),
        "PRESALE_DATA_DIR": str(settings.data_dir.resolve()),
    }


def within_runtime(work: Callable[[], Coroutine[Any, Any, R]], settings: Settings) -> R:
    """Run a command's work with everything open, on a migrated database, acting as ``cli``."""
    from headless_presale.database import migrate
    from headless_presale.kernel.events import acting_as
    from headless_presale.runtime import open_runtime

    async def run() -> R:
        assert settings.database_url
        await migrate(settings.database_url)
        async with open_runtime(settings):
            with acting_as("cli"):
                return await work()

    return asyncio.run(run())
