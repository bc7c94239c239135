"""The commands that people type, and that end: beside a process they load most of the product."""

import typer

from headless_presale.cli import (
    access,
    campaigns,
    catalog,
    doctor,
    documents,
    everything,
    people,
    processes,
    webhooks,
)


def add_commands(app: typer.Typer) -> None:
    """Add them all, and first the one that runs everything."""
    app.command("run")(everything.run)
    processes.add_commands(app)
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
