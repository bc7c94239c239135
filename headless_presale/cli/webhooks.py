"""Commands about webhooks: endpoints, their secrets, tests and replays."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from headless_presale.cli.access import ShopOption, ThisShopOnlyOption
from headless_presale.cli.output import console, make_table, print_table
from headless_presale.cli.session import engines, within_runtime
from headless_presale.identity import ALL_SCOPES
from headless_presale.kernel import clock
from headless_presale.shops import get_shop
from headless_presale.webhooks import (
    EVENT_TYPES,
    Asker,
    DeliveryStatus,
    EndpointWish,
    EndpointWithSecret,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEndpointNotFound,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    request_replay,
    rotate_secret,
    send_test,
)

app = typer.Typer(help="Where a merchant's systems are told of events.", no_args_is_help=True)

R = TypeVar("R")


@app.command("events")
def list_events() -> None:
    """Show the events that can be subscribed to."""
    table = make_table("event", "needs", "what happened", whole=1)
    for event in EVENT_TYPES.values():
        table.add_row(event.name, str(event.scope), event.description)
    print_table(table)


@app.command("list")
def list_endpoints(shop: ShopOption) -> None:
    """Show the endpoints of a shop's merchant."""

    async def work() -> list[tuple[WebhookEndpoint, int, int]]:
        found = await get_shop(shop)
        endpoints = await WebhookEndpoint.filter(
            merchant_id=found.merchant_id, deleted_at=None
        ).order_by("id")
        return [
            (endpoint, await _count(endpoint, waiting), await _count(endpoint, dead))
            for endpoint in endpoints
        ]

    waiting, dead = DeliveryStatus.PENDING, DeliveryStatus.FAILED
    with engines() as settings:
        rows = within_runtime(work, settings)
    columns = ("endpoint id", "url", "events", "shops", "state", "waiting", "dead")
    table = make_table(*columns, whole=1)
    for endpoint, left, failed in rows:
        table.add_row(
            str(endpoint.id),
            endpoint.url,
            " ".join(endpoint.event_types),
            "all" if endpoint.shop_ids is None else str(len(endpoint.shop_ids)),
            _state(endpoint),
            str(left),
            str(failed),
        )
    print_table(table)


async def _count(endpoint: WebhookEndpoint, status: DeliveryStatus) -> int:
    return await WebhookDelivery.filter(endpoint_id=endpoint.id, status=status).count()


def _state(endpoint: WebhookEndpoint) -> str:
    reason: str | None = endpoint.disabled_reason
    if reason is not None:
        return f"off: {reason}"
    since: datetime | None = endpoint.failing_since
    return "on" if since is None else f"failing since {since:%F %T}"


@app.command("create")
def create(
    url: str,
    shop: ShopOption,
    event: Annotated[
        list[str], typer.Option("--event", help="Such as order.placed or order.*. May be repeated.")
    ],
    description: Annotated[str, typer.Option(help="What it is.")] = "",
    this_shop_only: ThisShopOnlyOption = False,
) -> None:
    """Register an endpoint; its secret is shown this once."""

    async def work() -> EndpointWithSecret:
        found = await get_shop(shop)
        wish = EndpointWish(
            url=url,
            event_types=event,
            description=description,
            shop_ids=[found.id] if this_shop_only else None,
        )
        return await create_endpoint(Asker(merchant_id=found.merchant_id, scopes=ALL_SCOPES), wish)

    with engines() as settings:
        made = within_runtime(work, settings)
    _show(made)


@app.command("rotate-secret")
def rotate(
    endpoint_id: UUID,
    shop: ShopOption,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="End the old secret now, not in a day.")
    ] = False,
) -> None:
    """Give an endpoint a new secret; for a day both sign."""
    made = _with_endpoint(
        endpoint_id,
        shop,
        lambda asker, endpoint: rotate_secret(
            asker, endpoint.id, version=endpoint.version, keep_old=not at_once
        ),
    )
    _show(made)


@app.command("disable")
def disable(endpoint_id: UUID, shop: ShopOption) -> None:
    """Turn an endpoint off; what waits for it waits on."""
    _with_endpoint(
        endpoint_id,
        shop,
        lambda asker, endpoint: disable_endpoint(asker, endpoint.id, version=endpoint.version),
    )
    console.print(f"{endpoint_id} is off")


@app.command("enable")
def enable(endpoint_id: UUID, shop: ShopOption) -> None:
    """Turn an endpoint on; what waited for it is sent."""
    _with_endpoint(
        endpoint_id,
        shop,
        lambda asker, endpoint: enable_endpoint(asker, endpoint.id, version=endpoint.version),
    )
    console.print(f"{endpoint_id} is on")


@app.command("delete")
def delete(endpoint_id: UUID, shop: ShopOption) -> None:
    """Remove an endpoint."""
    _with_endpoint(
        endpoint_id,
        shop,
        lambda asker, endpoint: delete_endpoint(asker, endpoint.id, version=endpoint.version),
    )
    console.print(f"{endpoint_id} is gone")


@app.command("test")
def test(endpoint_id: UUID, shop: ShopOption) -> None:
    """Have the worker send a test."""
    _with_endpoint(endpoint_id, shop, lambda asker, endpoint: send_test(asker, endpoint.id))
    console.print("the worker sends it")


@app.command("replay")
def replay(
    endpoint_id: UUID,
    shop: ShopOption,
    since: Annotated[
        datetime | None, typer.Option(help="In UTC, such as 2026-03-01T12:00:00.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0, help="Instead of --since: so many hours back.")
    ] = None,
    include_delivered: Annotated[
        bool, typer.Option("--include-delivered", help="Also what was delivered.")
    ] = False,
) -> None:
    """Have the worker send what an endpoint has missed."""
    if (since is None) == (hours is None):
        raise typer.BadParameter("give either --since or --hours")
    begin = (
        since.replace(tzinfo=clock.now().tzinfo)
        if since is not None
        else clock.now() - timedelta(hours=hours or 0)
    )
    _with_endpoint(
        endpoint_id,
        shop,
        lambda asker, endpoint: request_replay(
            asker, endpoint.id, since=begin, include_delivered=include_delivered
        ),
    )
    console.print(f"the worker sends what was missed since {begin:%F %T}")


def _with_endpoint(
    endpoint_id: UUID, shop: str, act: Callable[[Asker, WebhookEndpoint], Awaitable[R]]
) -> R:
    async def work() -> R:
        found = await get_shop(shop)
        asker = Asker(merchant_id=found.merchant_id, scopes=ALL_SCOPES)
        endpoint = await WebhookEndpoint.get_or_none(id=endpoint_id)
        if endpoint is None or not asker.may_see(endpoint):
            raise WebhookEndpointNotFound()
        return await act(asker, endpoint)

    with engines() as settings:
        return within_runtime(work, settings)


def _show(made: EndpointWithSecret) -> None:
    console.print(f"endpoint id  {made.endpoint.id}")
    console.print(f"secret       {made.secret}")
