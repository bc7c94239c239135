"""Commands about campaigns: the use cases behind the merchants' mutations, from a shell."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from headless_presale.campaigns import (
    Campaign,
    CampaignFileUnreadable,
    CampaignItem,
    CampaignNotFound,
    CampaignNotPublishable,
    CampaignStatus,
    Fault,
    ItemNotFound,
    ShopRef,
    add_batch,
    cancel_campaign,
    change_capacity,
    create_campaign,
    discard_draft,
    extend_campaign,
    judge,
    publish_campaign,
    read_campaign_file,
    status_at,
)
from headless_presale.cli.output import console, make_table, print_table
from headless_presale.cli.session import engines, within_runtime
from headless_presale.kernel import clock
from headless_presale.shops import Shop, get_shop

app = typer.Typer(help="Campaigns.", no_args_is_help=True)
errors = Console(stderr=True, highlight=False)
_DURATION = TypeAdapter(timedelta)


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
    _print_faults("Publishing needs:", faults, "red")
    _print_faults("Worth knowing:", warnings, "yellow")
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
    if text.startswith("P"):
        try:
            return clock.now() + _DURATION.validate_python(text)
        except (ValidationError, OverflowError) as error:
            raise typer.BadParameter(f"{text!r} is no ISO 8601 duration") from error
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


@app.command("extend")
def extend(
    handle: str,
    shop: Annotated[str, typer.Option(help="Slug of the shop.")],
    closes_at: Annotated[
        str, typer.Option(help="The new close: an ISO 8601 moment, or P9D: nine days from now.")
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the campaign's history.")],
) -> None:
    """Let a campaign sell longer; orders placed keep their dates."""
    moment = _moment(closes_at)
    assert moment is not None

    async def work() -> Campaign:
        found = await get_shop(shop)
        campaign = await _find(found, handle)
        return await extend_campaign(
            campaign.id, closes_at=moment, reason=reason, default_locale=found.default_locale
        )

    try:
        with engines() as settings:
            within_runtime(work, settings)
    except CampaignNotPublishable as error:
        _print_faults("Selling longer needs", list(error.faults), "red")
        raise typer.Exit(1) from error
    console.print(f"Extended: it closes at {moment:%Y-%m-%d %H:%M %Z}.")


@app.command("add-batch")
def add(
    handle: str,
    shop: Annotated[str, typer.Option(help="Slug of the shop.")],
    sku: Annotated[str, typer.Option(help="SKU of the variant.")],
    capacity: Annotated[int, typer.Option(help="How many slots the batch has.")],
    ships_by: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The day it is promised to ship by.")
    ],
) -> None:
    """Add a production batch; promises made before it stay as they are."""

    async def work() -> tuple[int, int]:
        item = await _find_item(await _find(await get_shop(shop), handle), sku)
        batch = await add_batch(item.id, capacity=capacity, ships_by=ships_by.date())
        return batch.first_number, batch.last_number

    with engines() as settings:
        first, last = within_runtime(work, settings)
    console.print(f"Added slots {first} to {last}, shipped by {ships_by:%Y-%m-%d}.")


@app.command("set-cap")
def set_cap(
    handle: str,
    shop: Annotated[str, typer.Option(help="Slug of the shop.")],
    sku: Annotated[str, typer.Option(help="SKU of the variant.")],
    capacity: Annotated[int, typer.Option(help="How many slots it has, those sold included.")],
) -> None:
    """Raise or lower how many slots a variant has; never below what is sold or held."""

    async def work() -> int:
        item = await _find_item(await _find(await get_shop(shop), handle), sku)
        return await change_capacity(item.id, capacity=capacity)

    with engines() as settings:
        within_runtime(work, settings)
    console.print(f"{sku} has {capacity} slots.")


@app.command("list")
def show(shop: Annotated[str, typer.Option(help="Slug of the shop.")]) -> None:
    """List a shop's campaigns, drafts included."""

    async def work() -> list[Campaign]:
        found = await get_shop(shop)
        return await Campaign.filter(shop_id=found.id).order_by("-opens_at").limit(100)

    with engines() as settings:
        found = within_runtime(work, settings)
    table = make_table("handle", "status", "opens (UTC)", "closes (UTC)", whole=1)
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
    print_table(table)


async def _find(shop: Shop, handle: str) -> Campaign:
    campaign = await Campaign.filter(shop_id=shop.id, handle=handle).first()
    if campaign is None:
        raise CampaignNotFound()
    return campaign


async def _find_item(campaign: Campaign, sku: str) -> CampaignItem:
    item = await CampaignItem.filter(campaign_id=campaign.id, variant__sku=sku).first()
    if item is None:
        raise ItemNotFound()
    return item


def _print_faults(title: str, faults: list[Fault], colour: str) -> None:
    for fault in faults:
        errors.print(f"[{colour}]{title}[/{colour}] {fault.path}: {fault.message} ({fault.code})")
