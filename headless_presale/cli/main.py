"""The commands and what they share: settings, engines, a clear sentence instead of a traceback."""

import sys

import asyncpg
import psycopg
import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console

from headless_presale.cli import (
    access,
    campaigns,
    catalog,
    doctor,
    documents,
    people,
    processes,
    webhooks,
)
from headless_presale.engines import EngineStartFailed
from headless_presale.kernel.errors import PresaleError

app = typer.Typer(
    name="headless-presale",
    help="Sell before stock exists: campaigns, slots, deposits and promises over GraphQL.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.command("run")(processes.run)
app.command("serve")(processes.serve)
app.command("worker")(processes.worker)
app.command("sandbox-gateway")(processes.sandbox_gateway)
app.command("migrate")(processes.migrate)
app.command("doctor")(doctor.doctor)
app.command("demo")(catalog.demo)
app.command("import-products")(catalog.import_products)
app.command("token")(access.token)
app.add_typer(catalog.shops, name="shops")
app.add_typer(campaigns.app, name="campaigns")
app.add_typer(people.staff, name="staff")
app.add_typer(access.clients, name="clients")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(documents.app, name="documents")


def main() -> None:
    """Run a command; what went wrong on purpose is one sentence and exit code 1."""
    complaints = Console(stderr=True, highlight=False)
    try:
        app()
    except (PresaleError, EngineStartFailed, SettingsError) as error:
        complaints.print(f"[red]{error}[/red]")
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            complaints.print(f"[red]{name}: {problem['msg']}[/red]")
    except (OSError, asyncpg.PostgresError, psycopg.OperationalError) as error:
        complaints.print(f"[red]PostgreSQL or Redis cannot be used: {error}[/red]")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1)
