"""Commands about documents that a shop's storefronts send."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from headless_presale.cli.access import ShopOption
from headless_presale.cli.output import console, make_table, print_table
from headless_presale.cli.session import engines, within_runtime
from headless_presale.documents import (
    ManifestDocument,
    TrustedDocument,
    list_documents,
    read_manifest,
    register_documents,
    remove_document,
)
from headless_presale.shops import get_shop

app = typer.Typer(help="The documents that a shop's storefronts send.", no_args_is_help=True)

CHECKER = ("schema.documents", "faults_of")
"""By name: this ring knows nothing of the one that composes the schema."""


@app.command("import")
def import_documents(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    shop: ShopOption,
) -> None:
    """Register the operations of a manifest, all of them or none; those there are already stay.

    Manifests of GraphQL Code Generator, Relay and Apollo are read.
    """
    documents = read_manifest(file.read_bytes())
    _refuse_faulty(documents)

    async def work() -> int:
        return await register_documents((await get_shop(shop)).id, documents)

    with engines() as settings:
        new = within_runtime(work, settings)
    console.print(f"Registered {new} of {len(documents)} documents; the others were there.")


@app.command("list")
def list_all(shop: ShopOption) -> None:
    """Show a shop's documents, and whether its storefronts may send others."""

    async def work() -> tuple[bool, list[TrustedDocument]]:
        found = await get_shop(shop)
        return found.trusted_documents_only, await list_documents(found.id)

    with engines() as settings:
        is_bound, rows = within_runtime(work, settings)
    table = make_table("operation", "sha-256", "since", whole=1)
    for row in rows:
        table.add_row(row.name, row.digest, f"{row.created_at:%Y-%m-%d %H:%M}")
    print_table(table)
    console.print(
        "Others are refused." if is_bound else "Others are answered: trustedDocumentsOnly is off."
    )


@app.command("remove")
def remove(
    digest: Annotated[str, typer.Argument(help="SHA-256 of the document, as `list` shows it.")],
    shop: ShopOption,
) -> None:
    """Take a document out of the register."""

    async def work() -> None:
        await remove_document((await get_shop(shop)).id, digest)

    with engines() as settings:
        within_runtime(work, settings)
    console.print("Removed.")


def _refuse_faulty(documents: list[ManifestDocument]) -> None:
    module, name = CHECKER
    faults_of: Callable[[str], list[str]] = getattr(import_module(module), name)
    is_faulty = False
    for document in documents:
        for fault in faults_of(document.text):
            is_faulty = True
            console.print(f"[red]{document.name or document.digest}:[/red] {fault}", soft_wrap=True)
    if is_faulty:
        console.print("Nothing was registered.")
        raise typer.Exit(1)
