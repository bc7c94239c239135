"""Commands that run: everything at once, or one process each."""

import asyncio
import base64
import hmac
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from types import FrameType
from typing import Annotated

import httpx
import typer
import uvicorn
from rich.console import Console

from headless_presale import database
from headless_presale.cli.parent import PARENT_VARIABLE, follow_parent
from headless_presale.cli.server import run_server
from headless_presale.cli.session import engines, environment_of, within_runtime
from headless_presale.demo import ensure_demo
from headless_presale.runtime import complete_settings, open_runtime
from headless_presale.sandbox_gateway.settings import GatewaySettings
from headless_presale.settings import Settings
from headless_presale.worker import run_worker, stop_on_signals

console = Console(stderr=True, highlight=False)

STOP_SECONDS = 40.0
READY_SECONDS = 60.0
APPLICATION = "schema.asgi:create"
"""By name: this ring knows nothing of the one that composes the schema."""


def serve(
    workers: Annotated[int, typer.Option(help="API processes.")] = 1,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the API and the admin."""
    follow_parent()
    with engines() as settings:
        os.environ.update(environment_of(settings))
        run_server(
            uvicorn.Config(
                APPLICATION,
                factory=True,
                host=host or settings.host,
                port=port or settings.port,
                workers=workers,
                log_config=None,
                access_log=False,
                ws_max_size=settings.max_body_bytes,
                ws_per_message_deflate=False,
                # None would wait for ever for a subscription that nobody ends.
                timeout_graceful_shutdown=15,
                server_header=False,
            )
        )


def worker() -> None:
    """Work off jobs: mails, refunds, everything that is due."""
    follow_parent()
    with engines() as settings:
        asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    stop = stop_on_signals()
    async with open_runtime(settings) as runtime:
        assert runtime.settings.database_url
        await run_worker(runtime.settings.database_url, stop)


def sandbox_gateway() -> None:
    """Run the sandbox payment gateway: no real money moves."""
    follow_parent()
    from headless_presale.sandbox_gateway.server import build_server

    build_server(GatewaySettings()).run()


def migrate() -> None:
    """Bring the database up to date; safe to run from several machines at once."""
    with engines() as settings:
        assert settings.database_url
        applied = asyncio.run(database.migrate(settings.database_url))
    console.print(f"Applied {', '.join(applied)}" if applied else "The database is up to date.")


def run() -> None:
    """Run everything here: engines, demo shop, API, admin, worker and sandbox gateway."""
    began = time.monotonic()
    with engines() as settings, ExitStack() as stack:
        if _is_taken(settings.host, settings.port):
            console.print(
                f"[red]Port {settings.port} is in use. Choose another: PORT=8080 make run[/red]"
            )
            raise typer.Exit(1)
        settings = complete_settings(settings)
        within_runtime(ensure_demo(), settings)
        environment = {
            **os.environ,
            **environment_of(settings),
            **_gateway_environment(settings),
            PARENT_VARIABLE: str(os.getpid()),
        }
        children = {
            name: stack.enter_context(_child(name, environment))
            for name in ("sandbox-gateway", "worker", "serve")
        }
        stopping = _note_signals()
        if _wait_until_ready(settings, children["serve"]):
            _print_addresses(
                settings, environment["PRESALE_SANDBOX_GATEWAY_URL"], time.monotonic() - began
            )
        _wait_for_end(children, stopping)
        _stop(children)


def _gateway_environment(settings: Settings) -> dict[str, str]:
    """Return what makes the gateway and the shop know each other, with secrets of this place."""
    assert settings.secret_key
    secret = settings.secret_key.get_secret_value().encode()
    api_key = hmac.new(secret, b"sandbox-gateway-api-key", "sha256").hexdigest()
    signing = base64.b64encode(hmac.digest(secret, b"sandbox-gateway-webhooks", "sha256")).decode()
    # The same port each time: a buyer's open payment page outlives a restart.
    port = settings.port + 1
    if _is_taken("127.0.0.1", port):
        port = _free_port()
    return {
        "PRESALE_SANDBOX_GATEWAY_URL": f"http://127.0.0.1:{port}",
        "PRESALE_SANDBOX_GATEWAY_API_KEY": api_key,
        "PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET": f"whsec_{signing}",
        "SANDBOX_GATEWAY_PORT": str(port),
        "SANDBOX_GATEWAY_API_KEY": api_key,
        "SANDBOX_GATEWAY_WEBHOOK_SECRET": f"whsec_{signing}",
        "SANDBOX_GATEWAY_WEBHOOK_URL": (
            f"http://{settings.host}:{settings.port}/webhooks/payments/sandbox"
        ),
        "SANDBOX_GATEWAY_DATA_FILE": str(settings.data_dir.resolve() / "sandbox-gateway.sqlite3"),
    }


def _child(name: str, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    # A session of its own: Ctrl-C reaches `run` alone, which then stops the others in order.
    return subprocess.Popen(
        [sys.executable, "-m", "headless_presale.cli", name],
        env=environment,
        start_new_session=True,
    )


def _is_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(settings: Settings, api: "subprocess.Popen[bytes]") -> bool:
    url = f"http://{settings.host}:{settings.port}/readyz"
    until = time.monotonic() + READY_SECONDS
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < until and api.poll() is None:
            try:
                if client.get(url).status_code == 200:
                    return True
            except httpx.HTTPError:
                time.sleep(0.05)
    console.print("[red]The API did not come up; its log above tells why.[/red]")
    return False


def _print_addresses(settings: Settings, gateway: str, seconds: float) -> None:
    base = settings.base_url
    console.print(
        f"\n[bold]Headless Presale[/bold] is ready after {seconds:.1f} s\n"
        f"  GraphQL       {base}/graphql\n"
        f"  Schema        {base}/schema.graphql\n"
        f"  Admin         {base}/admin/\n"
        f"  Sandbox pay   {gateway}\n"
        f"  Mails         {settings.mail_dir or settings.data_dir / 'mail'}\n"
        "  Demo shop     moonlit-forge\n"
        "  There is no login yet: shopping needs none, merchants use the command line.\n"
        "Ctrl-C stops everything.\n"
    )


def _note_signals() -> list[int]:
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    return received


def _wait_for_end(children: dict[str, "subprocess.Popen[bytes]"], stopping: list[int]) -> None:
    while not stopping:
        for name, child in children.items():
            if child.poll() is not None:
                console.print(f"[red]{name} ended with {child.returncode}; stopping.[/red]")
                return
        time.sleep(0.2)


def _stop(children: dict[str, "subprocess.Popen[bytes]"]) -> None:
    # The API first, so that nothing new comes in; what it deferred stays for the next start.
    until = time.monotonic() + STOP_SECONDS
    for name in ("serve", "worker", "sandbox-gateway"):
        child = children[name]
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
