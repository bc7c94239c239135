"""Commands that are processes: the API, the worker, the sandbox gateway; and migrating.

What only one of them needs it imports itself: an API process has no use for the worker's queue.
"""

import asyncio
import os
from typing import Annotated

import typer

from headless_presale.cli.garbage import uncollected
from headless_presale.cli.parent import follow_parent
from headless_presale.cli.session import engines, environment_of
from headless_presale.cli.telling import tell
from headless_presale.settings import Settings, get_settings

APPLICATION = "schema.asgi:create"
"""By name: this ring knows nothing of the one that composes the schema."""


def serve(
    workers: Annotated[int, typer.Option(help="API processes.")] = 1,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the API and the admin.

    In production mode it does not begin with a weak PRESALE_SECRET_KEY.
    """
    follow_parent()
    with uncollected():
        from headless_presale.cli.server import run_server, server_config

    refuse_weak_key(get_settings())
    with engines(is_server=True) as settings:
        os.environ.update(environment_of(settings))
        # The application reads them again, in this process or in its workers.
        get_settings.cache_clear()
        run_server(
            server_config(
                APPLICATION,
                factory=True,
                host=host or settings.host,
                port=port or settings.port,
                workers=workers,
                ws_max_size=settings.max_body_bytes,
                ws_per_message_deflate=False,
                timeout_keep_alive=settings.keep_alive_seconds,
                # None would wait for ever for a subscription that nobody ends.
                timeout_graceful_shutdown=15,
            )
        )


def refuse_weak_key(settings: Settings) -> None:
    """End a command in production mode whose key can be guessed: who does opens every order.

    Raises:
        typer.Exit: it has been said why.
    """
    from headless_presale.audits import fault_of_key

    fault = fault_of_key(settings) if settings.mode == "production" else None
    if fault is not None:
        tell(f"[red]Not started: {fault}[/red]", soft_wrap=True)
        raise typer.Exit(1)


def worker() -> None:
    """Work off jobs: mails, refunds, everything that is due."""
    follow_parent()
    with uncollected():
        from headless_presale.cli.priority import give_way
        from headless_presale.runtime import open_runtime
        from headless_presale.worker import run_worker, stop_on_signals

    async def work(settings: Settings) -> None:
        stop = stop_on_signals()
        async with open_runtime(settings) as runtime:
            assert runtime.settings.database_url
            await run_worker(runtime.settings.database_url, stop)

    with engines() as settings:
        give_way(settings.worker_niceness or 0)
        asyncio.run(work(settings))


def sandbox_gateway() -> None:
    """Run the sandbox payment gateway: no real money moves."""
    follow_parent()
    from headless_presale.sandbox_gateway.server import build_server
    from headless_presale.sandbox_gateway.settings import GatewaySettings

    build_server(GatewaySettings()).run()


COMMANDS = {"serve": serve, "worker": worker, "sandbox-gateway": sandbox_gateway}
"""Those that stay, by name."""


def add_commands(app: typer.Typer) -> None:
    """Add them."""
    for name, command in COMMANDS.items():
        app.command(name)(command)


def migrate() -> None:
    """Bring the database up to date; safe to run from several machines at once."""
    from headless_presale import database

    with engines() as settings:
        assert settings.database_url
        applied = asyncio.run(database.migrate(settings.database_url))
    tell(f"Applied {', '.join(applied)}" if applied else "The database is up to date.")
