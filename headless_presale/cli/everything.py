"""The command that runs everything: engines, demo shop, API, worker, sandbox gateway."""

import base64
import hmac
import os
import time
from contextlib import ExitStack

import httpx
import typer
from rich.console import Console

from headless_presale.cli.priority import BESIDE_AN_API
from headless_presale.cli.processes import refuse_weak_key
from headless_presale.cli.session import (
    engines_of,
    environment_of,
    keep_address,
    with_urls,
    within_runtime,
)
from headless_presale.cli.supervisor import Supervisor, free_port, is_taken, only_run_on
from headless_presale.demo import SHOP_SLUG, ensure_demo
from headless_presale.demo.owner import DemoLogin, ensure_owner
from headless_presale.kernel.logs import configure_logs
from headless_presale.runtime import complete_settings
from headless_presale.settings import Settings, get_settings

console = Console(stderr=True, highlight=False)

READY_SECONDS = 60.0


def run() -> None:
    """Run everything here: engines, demo shop, API, admin, worker and sandbox gateway."""
    began = time.monotonic()
    settings = get_settings()
    configure_logs(log_format=settings.log_format, level=settings.log_level)
    refuse_weak_key(settings)
    if is_taken(settings.host, settings.port):
        console.print(
            f"[red]Port {settings.port} is in use. Choose another: PORT=8080 make run[/red]"
        )
        raise typer.Exit(1)
    with only_run_on(settings.data_dir), ExitStack() as stack:
        embedded = engines_of(settings)
        keep_address(settings)
        if embedded is not None:
            settings = with_urls(settings, stack.enter_context(embedded))
        settings = complete_settings(settings)
        login = within_runtime(lambda: _make_demo(settings), settings)
        gateway = _gateway_environment(settings)
        niceness = settings.worker_niceness
        own = {"PRESALE_WORKER_NICENESS": str(BESIDE_AN_API if niceness is None else niceness)}
        supervisor = Supervisor(
            ("sandbox-gateway", "worker", "serve"),
            environment={**os.environ, **environment_of(settings), **gateway, **own},
            engines=embedded,
        )
        stopping = supervisor.start()
        addresses = _addresses(settings, gateway["PRESALE_SANDBOX_GATEWAY_URL"], login)
        announcement = Announcement(settings, addresses, began)
        is_well = supervisor.look_after(stopping, each_time=announcement.look)
        supervisor.stop(("serve", "worker", "sandbox-gateway"))
    if not is_well:
        raise typer.Exit(1)


def _gateway_environment(settings: Settings) -> dict[str, str]:
    """Return what makes the gateway and the shop know each other, with secrets of this place."""
    assert settings.secret_key
    secret = settings.secret_key.get_secret_value().encode()
    api_key = hmac.new(secret, b"sandbox-gateway-api-key", "sha256").hexdigest()
    signing = base64.b64encode(hmac.digest(secret, b"sandbox-gateway-webhooks", "sha256")).decode()
    # The same port each time: a buyer's open payment page outlives a restart.
    port = settings.port + 1
    if is_taken("127.0.0.1", port):
        port = free_port()
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
        # Ours count here, not those an operator keeps in files.
        "PRESALE_SANDBOX_GATEWAY_API_KEY_FILE": "",
        "PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET_FILE": "",
        "SANDBOX_GATEWAY_DATA_FILE": str(settings.data_dir.resolve() / "sandbox-gateway.sqlite3"),
    }


class Announcement:
    """Tells the addresses once the API answers, or that it takes too long."""

    def __init__(self, settings: Settings, addresses: str, began: float) -> None:
        self._settings, self._addresses, self._began = settings, addresses, began
        self._is_made = self._is_late = False

    def look(self) -> None:
        """Ask the API unless it has answered before."""
        if self._is_made:
            return
        seconds = time.monotonic() - self._began
        try:
            url = f"http://{self._settings.host}:{self._settings.port}/readyz"
            self._is_made = httpx.get(url, trust_env=False, timeout=2).status_code == 200
        except httpx.HTTPError:
            self._is_made = False
        if self._is_made:
            console.print(f"\n[bold]Headless Presale[/bold] is ready after {seconds:.1f} s")
            console.print(self._addresses, markup=False)
        elif seconds > READY_SECONDS and not self._is_late:
            self._is_late = True
            console.print("[red]The API does not come up; its log above tells why.[/red]")


def _addresses(settings: Settings, gateway: str, login: DemoLogin | None) -> str:
    base = settings.base_url
    lines = [
        f"  GraphQL       {base}/graphql",
        f"  Schema        {base}/schema.graphql",
        f"  Admin         {base}/admin/",
        f"  Sandbox pay   {gateway}",
        f"  Mails         {settings.mail_dir or settings.data_dir / 'mail'}",
    ]
    if login is not None:
        lines.append(f"  Demo shop     {SHOP_SLUG}")
        lines.append(f"  Sign in       {login.email}")
        if login.password is not None:
            lines.append(f"  Password      {login.password}")
        else:
            lines.append("  Password      the one you chose. Forgotten:")
            lines.append(f"    headless-presale staff reset-link {login.email} --shop {SHOP_SLUG}")
    return "\n".join([*lines, "Ctrl-C stops everything.", ""])


async def _make_demo(settings: Settings) -> DemoLogin | None:
    await ensure_demo()
    if settings.sign_in == "oidc":
        return None
    return await ensure_owner(settings.data_dir, SHOP_SLUG)
