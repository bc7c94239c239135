"""The main job on real input: from a merchant's product export to an order paid in two parts."""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from headless_presale.campaigns import (
    ShopRef,
    create_campaign,
    publish_campaign,
    read_campaign_file,
)
from headless_presale.catalog import ImportProducts, import_products
from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.shops import CreateShop, create_shop
from tests.e2e.conftest import Stack
from tests.e2e.storefront import Buyer, Placed, mails_in
from tests.support.node import NODE_FOLDER, has_node

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "campaign.yaml"
SHARED = Path(os.environ.get("PRESALE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
EXPORT = SHARED / "shopify" / "apparel.csv"
"""A merchant's real export: 20 products, 22 variants."""
OWN_EXPORT = Path(__file__).parent / "atelier.csv"
"""One of our own writing, for whoever does not have the other: 2 products, 4 variants."""

TRACKING = """
subscription Follow($orderId: ID!, $token: String!) {
  orderTracking(orderId: $orderId, token: $token) { cursor type order { status } }
}
"""
AVAILABILITY = """
subscription Left($campaignId: ID!) {
  campaignAvailability(campaignId: $campaignId) { items { slotsLeft } }
}
"""


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    """Begin at the real moment: commands run as processes of their own, on real time."""
    manual = ManualClock(datetime.now(UTC).replace(microsecond=0))
    with use_clock(manual):
        yield manual


def campaign_file(stack: Stack, tmp_path: Path, **plan: Any) -> Path:
    """Write a merchant's campaign: one size of a top, 10 of them, deposit and balance."""
    opens_at = stack.clock.now() - timedelta(minutes=1)
    closes_at = opens_at + timedelta(days=7)
    ships_by = str((closes_at + timedelta(days=60)).date())
    campaign = {
        "handle": "varsity",
        "title": "Classic Varsity Top: presale",
        "opens_at": opens_at.isoformat(),
        "closes_at": closes_at.isoformat(),
        "payment_plan": {
            "kind": "DEPOSIT",
            "deposit_bps": 2_000,
            "balance_opens_at": (closes_at + timedelta(days=1)).isoformat(),
            "balance_due_at": (closes_at + timedelta(days=8)).isoformat(),
            "reminder": "P2D",
            **plan,
        },
        "items": [
            {
                "variant": {"product": "classic-varsity-top", "options": ["Medium"]},
                "time_tiers": [
                    {"name": "Early bird", "lasts": "P3D", "price_bps": 9_000},
                    {"name": "Regular", "lasts": "P2D", "price_bps": 10_000},
                    {"name": "Last call", "lasts": "P2D", "price_bps": 11_000},
                ],
                "batches": [{"capacity": 10, "ships_by": ships_by}],
            }
        ],
        "terms": {
            "ships_by": ships_by,
            "refund_policy": {"en": "Refunded until the close."},
            "cancel_conditions": {"en": "Cancel before the balance opens."},
        },
    }
    file = tmp_path / "campaign.yaml"
    file.write_text(yaml.safe_dump(campaign))
    return file


async def open_by_command(
    stack: Stack, tmp_path: Path, export: Path, *, products: int, variants: int
) -> Buyer:
    """Do what a merchant does at the command line: shop, import, campaign."""
    file = campaign_file(stack, tmp_path)
    await stack.command("shops", "create", "atelier", "--name", "Atelier", "--currency", "USD")
    printed = await stack.command("import-products", str(export), "--shop", "atelier")
    assert f"{products} products were created" in printed
    assert f"{variants} variants created" in printed
    again = await stack.command("import-products", str(export), "--shop", "atelier")
    assert f"0 products were created, 0 updated, {products} unchanged" in again
    await stack.command("campaigns", "create", str(file), "--shop", "atelier", "--publish")
    options = ("--shop", "atelier", "--opens-at", "now", "--publish")
    await stack.command("campaigns", "create", str(EXAMPLE), *options)
    return Buyer(stack)


async def open_campaign(stack: Stack, tmp_path: Path, **plan: Any) -> Buyer:
    """Do the same without starting a process for each step."""
    shop = await create_shop(CreateShop(slug="atelier", name="Atelier", currency="USD"))
    await import_products(ImportProducts(path=OWN_EXPORT, shop_id=shop.id, currency=shop.currency))
    campaign = await create_campaign(
        ShopRef(shop.id, shop.currency, shop.default_locale),
        read_campaign_file(campaign_file(stack, tmp_path, **plan)),
    )
    await publish_campaign(campaign.id, default_locale="en")
    return Buyer(stack)


async def follow_with_npm(script: str, url: str, document: str, variables: Any, count: int) -> Any:
    """Start an npm client that prints so many results as JSON lines."""
    if not has_node("graphql-ws", "graphql-sse"):
        pytest.skip("node, or the npm clients, are not here")
    return await asyncio.create_subprocess_exec(
        "node",
        str(NODE_FOLDER / script),
        url,
        document,
        json.dumps(variables),
        str(count),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def results_of(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    """Return what the npm client printed."""
    printed, complaints = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, complaints.decode()
    return [json.loads(line)["data"] for line in printed.decode().splitlines()]


async def ledger(admin: asyncpg.Connection) -> dict[str, int]:
    """Return the balance of each account; together they are always 0."""
    rows = await admin.fetch(
        "SELECT account, sum(amount_minor)::bigint AS balance FROM ledger_entry GROUP BY account"
    )
    balances = {row["account"]: row["balance"] for row in rows}
    assert sum(balances.values()) == 0
    return {account: balance for account, balance in balances.items() if balance}


async def free_slots(admin: asyncpg.Connection) -> int:
    """Return how many slots no order owns."""
    return int(await admin.fetchval("SELECT count(*) FROM slot WHERE order_id IS NULL") or 0)


async def pay_deposit(buyer: Buyer) -> Placed:
    """Place an order and pay its deposit."""
    placed = await buyer.place(await buyer.look("varsity"))
    await buyer.pay(placed, "DEPOSIT")
    assert (await buyer.order(placed))["status"] == "DEPOSIT_PAID"
    return placed


@pytest.mark.parametrize(
    ("export", "products", "variants"),
    [
        pytest.param(OWN_EXPORT, 2, 4, id="an export of our own"),
        pytest.param(
            EXPORT,
            20,
            22,
            id="a merchant's export",
            marks=pytest.mark.skipif(
                not EXPORT.exists(),
                reason=f"{EXPORT.name} is not here; PRESALE_SHARED_DATA names its folder",
            ),
        ),
    ],
)
async def test_deposit_and_balance(
    stack: Stack,
    tmp_path: Path,
    database_admin: asyncpg.Connection,
    export: Path,
    products: int,
    variants: int,
) -> None:
    buyer = await open_by_command(stack, tmp_path, export, products=products, variants=variants)
    campaign = await buyer.look("varsity")
    assert campaign["status"] == "LIVE"
    item = campaign["items"][0]
    assert item["currentPrice"]["price"] == {"minor": 5_400, "amount": "54.00", "currency": "USD"}
    assert item["currentPrice"]["tier"] == "Early bird"
    assert item["nextPrice"]["price"] == {"minor": 6_000}
    assert item["depositDue"] == {"minor": 1_080}
    assert item["slotsLeft"] == 10

    placed = await buyer.place(campaign)
    assert placed.order["status"] == "AWAITING_DEPOSIT"
    assert placed.order["lines"][0]["slotNumbers"] == [1]
    assert placed.order["total"] == {"minor": 5_400, "currency": "USD"}
    assert placed.order["dueNow"] == [{"leg": "DEPOSIT", "amount": {"minor": 1_080}}]
    assert placed.order["dueLater"][0]["amount"] == {"minor": 5_400 - 1_080}

    tracking = await follow_with_npm(
        "ws_follow.mjs",
        stack.url.replace("http", "ws") + "/graphql",
        TRACKING,
        {"orderId": placed.id, "token": placed.token},
        9,
    )
    await buyer.pay(placed, "DEPOSIT")
    assert (await buyer.order(placed))["status"] == "DEPOSIT_PAID"
    assert await ledger(database_admin) == {"GATEWAY": 1_080, "CUSTOMER_FUNDS": -1_080}

    # Too early for the balance: the window opens a day after the close.
    early = await buyer.start_payment(placed, "BALANCE", key="early")
    assert [error["code"] for error in early["userErrors"]] == ["PAYMENT_NOT_DUE"]

    stack.clock.advance(timedelta(days=8, hours=1))
    await stack.sweep()
    assert (await buyer.order(placed))["status"] == "AWAITING_BALANCE"
    stack.clock.advance(timedelta(days=5))
    await stack.sweep()
    await buyer.pay(placed, "BALANCE")

    order = await buyer.order(placed)
    assert order["status"] == "PAID"
    assert order["dueNow"] == []
    assert [(p["leg"], p["status"]) for p in order["payments"]] == [
        ("DEPOSIT", "CAPTURED"),
        ("BALANCE", "CAPTURED"),
    ]
    assert await ledger(database_admin) == {"GATEWAY": 5_400, "CUSTOMER_FUNDS": -5_400}

    followed = [result["orderTracking"] for result in await results_of(tracking)]
    assert [event["type"] for event in followed] == [
        "order.placed",
        "payment.started",
        "payment.captured",
        "order.confirmed",
        "order.balance_opened",
        "order.balance_reminded",
        "payment.started",
        "payment.captured",
        "order.paid",
    ]
    assert followed[-1]["order"]["status"] == "PAID"

    confirmation, reminder = mails_in(stack.mail_dir)
    assert confirmation["To"] == "Lin <lin@example.com>"
    assert placed.order["number"] in str(confirmation["Subject"])
    text = confirmation.get_body(("plain",))
    assert text is not None
    assert "Varsity Top" in text.get_content()
    assert "43.20" in text.get_content()
    reminded = reminder.get_body(("plain",))
    assert reminded is not None
    assert "43.20" in reminded.get_content()


async def test_a_missed_balance_forfeits_the_deposit(
    stack: Stack, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    buyer = await open_campaign(stack, tmp_path)
    placed = await pay_deposit(buyer)

    stack.clock.advance(timedelta(days=8, hours=1))
    await stack.sweep()
    stack.clock.advance(timedelta(days=5))
    await stack.sweep()  # the reminder
    stack.clock.advance(timedelta(days=3))
    await stack.sweep()

    assert (await buyer.order(placed))["status"] == "FORFEITED"
    assert await ledger(database_admin) == {"GATEWAY": 1_080, "FORFEITED_DEPOSITS": -1_080}
    assert await free_slots(database_admin) == 10
    late = await buyer.start_payment(placed, "BALANCE")
    assert [error["code"] for error in late["userErrors"]] == ["PAYMENT_NOT_DUE"]


async def test_a_missed_balance_is_refunded_where_the_policy_says_so(
    stack: Stack, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    buyer = await open_campaign(stack, tmp_path, missed_balance="REFUND")
    placed = await pay_deposit(buyer)

    stack.clock.advance(timedelta(days=8, hours=1))
    await stack.sweep()
    stack.clock.advance(timedelta(days=5))
    await stack.sweep()  # the reminder
    stack.clock.advance(timedelta(days=3))
    await stack.sweep()

    order = await buyer.order(placed)
    assert order["status"] == "CANCELLED"
    assert order["payments"][0]["refunds"] == [{"status": "SUCCEEDED", "amount": {"minor": 1_080}}]
    assert await ledger(database_admin) == {}


async def test_cancelling_before_the_close_refunds_the_deposit(
    stack: Stack, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    buyer = await open_campaign(stack, tmp_path)
    placed = await pay_deposit(buyer)

    payload = await buyer.cancel(placed)
    await stack.quiet()

    assert payload == {"order": {"status": "CANCELLED"}, "userErrors": []}
    order = await buyer.order(placed)
    assert order["payments"][0]["refunds"] == [{"status": "SUCCEEDED", "amount": {"minor": 1_080}}]
    assert await ledger(database_admin) == {}
    assert await free_slots(database_admin) == 10
    assert len(mails_in(stack.mail_dir)) == 2
    again = await buyer.cancel(placed)
    await stack.quiet()
    assert again["order"] == {"status": "CANCELLED"}
    assert await database_admin.fetchval("SELECT count(*) FROM refund") == 1


async def test_an_unpaid_hold_expires_and_its_number_is_sold_again(
    stack: Stack, tmp_path: Path, database_admin: asyncpg.Connection
) -> None:
    buyer = await open_campaign(stack, tmp_path)
    campaign = await buyer.look("varsity")
    placed = await buyer.place(campaign)
    payload = await buyer.start_payment(placed, "DEPOSIT")
    await buyer.click(payload["payment"]["action"]["url"], "fail")
    await stack.quiet()
    watching = await follow_with_npm(
        "sse_follow.mjs",
        f"{stack.url}/graphql",
        AVAILABILITY,
        {"campaignId": campaign["id"]},
        2,
    )
    await asyncio.sleep(1)

    stack.clock.advance(timedelta(minutes=16))
    await stack.sweep()

    assert (await buyer.order(placed))["status"] == "EXPIRED"
    assert await free_slots(database_admin) == 10
    assert await ledger(database_admin) == {}
    seen = [result["campaignAvailability"]["items"] for result in await results_of(watching)]
    assert seen == [[{"slotsLeft": 9}], [{"slotsLeft": 10}]]
    other = Buyer(stack, email="mei@example.com")
    assert (await other.place(campaign)).order["lines"][0]["slotNumbers"] == [1]
    assert mails_in(stack.mail_dir) == []
