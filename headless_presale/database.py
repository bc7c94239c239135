"""The database: which models there are, how it is opened, how it is migrated."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import tortoise.models
from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.transactions import in_transaction

from headless_presale.kernel.postgres import (
    CONNECT_SECONDS,
    BoundedConnection,
    command_timeout_seconds,
)

MODEL_MODULES = (
    "headless_presale.kernel.audit_log",
    "headless_presale.kernel.events",
    "headless_presale.shops.models",
    "headless_presale.documents.models",
    "headless_presale.catalog.models",
    "headless_presale.media.models",
    "headless_presale.identity.models",
    "headless_presale.customers.models",
    "headless_presale.carts.models",
    "headless_presale.slots.models",
    "headless_presale.campaigns.models",
    "headless_presale.notify_me.models",
    "headless_presale.payments.models",
    "headless_presale.orders.models",
    "headless_presale.notifications.models",
    "headless_presale.webhooks.models",
    "headless_presale.privacy.models",
)
MIGRATION_LOCK = 7_301_102_400
"""Advisory lock that lets one process migrate while the others wait."""


def _session_keeper(
    command_timeout: float | None,
) -> Callable[[BoundedConnection], Awaitable[None]]:
    """Return what gives a connection back as it is: no statement of ours changes the session.

    asyncpg's own reset would send one more statement per transaction.
    """

    async def keep_session(connection: BoundedConnection) -> None:
        connection.set_command_timeout(command_timeout)
        if connection.is_in_transaction():
            await connection.execute("ROLLBACK")

    return keep_session


def tortoise_config(
    database_url: str, *, pool_size: int = 20, statement_timeout_ms: int = 5_000
) -> dict[str, Any]:
    """Return Tortoise's configuration for a ``postgresql://`` address."""
    parts = urlsplit(database_url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    command_timeout = command_timeout_seconds(statement_timeout_ms)
    return {
        "connections": {
            "default": {
                "engine": "headless_presale.kernel.postgres",
                "credentials": {
                    "host": query.get("host") or parts.hostname or "localhost",
                    "port": int(query.get("port") or parts.port or 5432),
                    "user": unquote(parts.username or query.get("user") or "postgres"),
                    "password": unquote(parts.password) if parts.password else None,
                    "database": unquote(parts.path.lstrip("/")) or "presale",
                    # None is opened in advance: behind the lock that a pool is made under, every
                    # request would wait in turn for a server that does not answer.
                    "minsize": 0,
                    "maxsize": pool_size,
                    "connection_class": BoundedConnection,
                    "timeout": CONNECT_SECONDS,
                    "command_timeout": command_timeout,
                    "reset": _session_keeper(command_timeout),
                    "server_settings": {
                        "application_name": "headless-presale",
                        "statement_timeout": str(statement_timeout_ms),
                        "idle_in_transaction_session_timeout": str(statement_timeout_ms * 2),
                        "timezone": "UTC",
                        "jit": "off",
                    },
                },
            }
        },
        "apps": {
            "presale": {
                "models": list(MODEL_MODULES),
                "default_connection": "default",
                "migrations": "headless_presale.migrations",
            }
        },
        "use_tz": True,
        "timezone": "UTC",
    }


_users = 0
_open_url: str | None = None


async def open_database(
    database_url: str, *, pool_size: int = 20, statement_timeout_ms: int = 5_000
) -> None:
    """Open the process's one pool; every task of the process sees it.

    Opening it again joins it, and it closes with its last user: an application may run inside a
    process that looks at the same database.

    Raises:
        RuntimeError: another database is open in this process.
    """
    global _users, _open_url
    if _users:
        if database_url != _open_url:
            raise RuntimeError("another database is open in this process")
        _users += 1
        return
    await Tortoise.init(
        config=tortoise_config(
            database_url, pool_size=pool_size, statement_timeout_ms=statement_timeout_ms
        ),
        _enable_global_fallback=True,
    )
    _users, _open_url = 1, database_url


async def close_database() -> None:
    """Leave the pool; close it if nobody else uses it."""
    global _users, _open_url
    _users -= 1
    if _users == 0:
        _open_url = None
        await Tortoise.close_connections()


@contextmanager
def models_without_filters() -> Iterator[None]:
    """Let Tortoise make models that are not asked anything, for as long as the block lasts.

    After each step of a migration it makes every model anew, to read its columns. Three quarters of
    the time went into what they could be filtered by.
    """
    module: Any = tortoise.models
    get_filters = module.get_filters_for_field
    module.get_filters_for_field = lambda **_: {}
    try:
        yield
    finally:
        module.get_filters_for_field = get_filters


async def migrate(database_url: str) -> list[str]:
    """Apply what is missing, all of it in one transaction; return the names applied.

    Several processes may start at once: one migrates, the others wait and find nothing to do. A
    process killed half way leaves nothing behind, because the record of a migration is written in
    the same transaction as its effect.
    """
    applied: list[str] = []
    config = tortoise_config(database_url, pool_size=2, statement_timeout_ms=0)
    async with TortoiseContext() as context:
        await context.init(config=config)
        connection = get_connection("default")
        async with in_transaction("default") as transaction:
            await transaction.execute_query(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
            executor = MigrationExecutor(transaction, config["apps"])
            # Reading a record table that does not exist yet would break this transaction.
            await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
            with models_without_filters():
                await executor.migrate(
                    [MigrationTarget(app_label="presale", name="__latest__")],
                    progress=lambda step, _app, name: (
                        applied.append(name) if step == "apply_done" else None
                    ),
                )
        await connection.close()
    return applied
