"""Commands about shops and their catalogues."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from headless_presale.analytics import rebuild_sales
from headless_presale.catalog import ImportProducts, ImportReport
from headless_presale.catalog.direct_import import import_recorded
from headless_presale.cli.output import console, make_table, print_table
from headless_presale.cli.session import engines, within_runtime
from headless_presale.demo import ensure_demo
from headless_presale.shops import CreateShop, create_shop, get_shop

shops = typer.Typer(help="Shops.", no_args_is_help=True)


@shops.command("create")
def create(
    slug: str,
    name: Annotated[str, typer.Option(help="Its name, in its own language.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code, e.g. CNY.")],
    locale: Annotated[str, typer.Option(help="Language of its texts, e.g. en or zh-CN.")] = "en",
) -> None:
    """Create a shop."""
    command = CreateShop(slug=slug, name=name, currency=currency, default_locale=locale)
    with engines() as settings:
        shop = within_runtime(partial(create_shop, command), settings)
    console.print(f"Created shop [bold]{shop.slug}[/bold] ({shop.currency})")
    console.print(
        "Nobody can sign in to it yet. Invite its owner:\n"
        f"  headless-presale staff invite you@example.com --shop {shop.slug} --role owner",
        soft_wrap=True,
    )


@shops.command("rebuild-sales")
def rebuild(slug: str) -> None:
    """Make the sums of a shop's charts anew from its books; selling goes on meanwhile."""

    async def work() -> int:
        return await rebuild_sales((await get_shop(slug)).id)

    with engines() as settings:
        made = within_runtime(work, settings)
    console.print(f"Made {made:,} sums of [bold]{slug}[/bold] anew")


def demo() -> None:
    """Make the demo shop, where there is no shop at all."""
    with engines() as settings:
        made = within_runtime(ensure_demo, settings)
    console.print("Made the demo shop moonlit-forge." if made else "There are shops already.")


def import_products(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    shop: Annotated[str, typer.Option(help="Slug of the shop.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell.")] = False,
    atomic: Annotated[bool, typer.Option("--atomic", help="All rows or none.")] = False,
) -> None:
    """Import products from a Shopify CSV export. Repeat it as often as you like."""
    with (
        engines() as settings,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        ) as progress,
    ):
        task = progress.add_task(file.name, total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        async def work() -> ImportReport:
            found = await get_shop(shop)
            return await import_recorded(
                ImportProducts(
                    path=file,
                    shop_id=found.id,
                    currency=found.currency,
                    is_dry_run=dry_run,
                    is_atomic=atomic,
                ),
                show,
            )

        report = within_runtime(work, settings)
    _print_report(report, is_dry_run=dry_run)
    if report.failed_rows:
        raise typer.Exit(1)


def _print_report(report: ImportReport, *, is_dry_run: bool) -> None:
    if report.failed_rows:
        table = make_table("line", "column", "reason")
        table.title = "Rows that could not be read"
        for row in report.failed_rows:
            table.add_row(str(row.line), row.column, row.reason)
        print_table(table)
    written = "would be" if is_dry_run else "were"
    console.print(
        f"{report.created} products {written} created, {report.updated} updated, "
        f"{report.unchanged} unchanged, {report.skipped} skipped; "
        f"{report.variants_created} variants created, {report.variants_updated} updated."
    )
    if not report.is_written and not is_dry_run:
        console.print("[yellow]Nothing was written.[/yellow]")
