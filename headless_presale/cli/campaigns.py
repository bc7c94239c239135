"""Commands about campaigns, until merchants have their own mutations."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from headless_presale.campaigns import (
    Campaign,
    CampaignFileUnreadable,
    CampaignNotFound,
    CampaignNotPublishable,
    CampaignStatus,
    Fault,
    ShopRef,
    cancel_campaign,
    create_campaign,
    discard_draft,
    judge,
    publish_campaign,
    read_campaign_file,
    status_at,
)
from headless_presale.cli.session import engines, within_runtime
from headless_presale.kernel import clock
from headless_presale.shops import Shop, get_shop

app = typer.Typer(help="Campaigns.", no_args_is_help=True)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


@app.command("create")
def create(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    shop: Annotated[str, typer.Option(help="Slug of the shop.")],
    publish: Annotated[bool, typer.Option("--publish", help="Publish it as well.")] = False,
    opens_at: Annotated[
        str | None,
        typer.Option(help="Move all of its dates so that it opens now, or at an ISO 8601 moment."),
    ] = None,
) -> None:
    """Create a campaign from a YAML file; it stays a draft unless --publish."""
    opening = _moment(opens_at)
    try:
        draft = read_campaign_file(file)
        if opening is not None:
            draft = draft.moved_to(opening)
    except CampaignFileUnreadable as error:
        errors.print(f"[red]{file} is no campaign:[/red]\n{error}")
        raise typer.Exit(1) from error

    async def work() -> tuple[UUID, list[Fault], list[Fault]]:
        found = await get_shop(shop)
        earlier = await Campaign.filter(shop_id=found.id, handle=draft.handle).first()
        if earlier is not None and earlier.status is CampaignStatus.DRAFT:
            # The same file again, mended: a draft is nobody's promise yet.
            await discard_draft(earlier.id)
        campaign = await create_campaign(
            ShopRef(found.id, found.currency, found.default_locale), draft
        )
        faults, warnings = await judge(campaign.id, found.default_locale)
        if publish and not faults:
            await publish_campaign(campaign.id, default_locale=found.default_locale)
        return campaign.id, faults, warnings

    with engines() as settings:
        _, faults, warnings = within_runtime(work, settings)
    console.print(f"Created campaign [bold]{draft.handle}[/bold]")
    _print_faults("Publishing needs", faults, "red")
    _print_faults("Worth knowing", warnings, "yellow")
    if publish and faults:
        errors.print("[red]It stays a draft: mend the file and create it again.[/red]")
        raise typer.Exit(1)
    if publish:
        console.print(
            f"Published: it opens at {draft.opens_at:%Y-%m-%d %H:%M %Z} "
            f"and closes at {draft.closes_at:%Y-%m-%d %H:%M %Z}."
        )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if text == "now":
        return clock.now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no ISO 8601 moment") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset; write for example {text}+08:00")
    return moment


@app.command("publish")
def publish(handle: str, shop: Annotated[str, typer.Option(help="Slug of the shop.")]) -> None:
    """Publish a draft: the clock opens and closes it from now on."""

    async def work() -> None:
        found = await get_shop(shop)
        campaign = await _find(found, handle)
        await publish_campaign(campaign.id, default_locale=found.default_locale)

    try:
        with engines() as settings:
            within_runtime(work, settings)
    except CampaignNotPublishable as error:
        _print_faults("Publishing needs", list(error.faults), "red")
        raise typer.Exit(1) from error
    console.print("Published.")


@app.command("cancel")
def cancel(
    handle: str,
    shop: Annotated[str, typer.Option(help="Slug of the shop.")],
    reason: Annotated[str, typer.Option(help="What buyers are told.")],
) -> None:
    """Call a campaign off: its orders are cancelled and refunded in full."""

    async def work() -> CampaignStatus:
        campaign = await _find(await get_shop(shop), handle)
        before = campaign.status
        await cancel_campaign(campaign.id, reason=reason)
        return before

    with engines() as settings:
        before = within_runtime(work, settings)
    if before is CampaignStatus.CANCELLED:
        console.print("It was cancelled before.")
    else:
        console.print("Cancelled; the worker refunds its orders.")


@app.command("list")
def show(shop: Annotated[str, typer.Option(help="Slug of the shop.")]) -> None:
    """List a shop's campaigns, drafts included."""

    async def work() -> list[Campaign]:
        found = await get_shop(shop)
        return await Campaign.filter(shop_id=found.id).order_by("-opens_at").limit(100)

    with engines() as settings:
        found = within_runtime(work, settings)
    table = Table("handle", "status", "opens (UTC)", "closes (UTC)")
    for campaign in found:
        status = status_at(
            campaign.status,
            opens_at=campaign.opens_at,
            closes_at=campaign.closes_at,
            at=clock.now(),
        )
        table.add_row(
            campaign.handle,
            str(status),
            f"{campaign.opens_at:%Y-%m-%d %H:%M}",
            f"{campaign.closes_at:%Y-%m-%d %H:%M}",
        )
    console.print(table)


async def _find(shop: Shop, handle: str) -> Campaign:
    campaign = await Campaign.filter(shop_id=shop.id, handle=handle).first()
    if campaign is None:
        raise CampaignNotFound()
    return campaign


def _print_faults(title: str, faults: list[Fault], colour: str) -> None:
    for fault in faults:
        errors.print(f"[{colour}]{title}[/{colour}] {fault.path}: {fault.message} ({fault.code})")
