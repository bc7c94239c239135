"""A shop with one product and a campaign on it, made through the product's own services."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from headless_presale.campaigns import (
    CampaignDraft,
    CampaignSnapshot,
    ShopRef,
    create_campaign,
    find_snapshot,
    publish_campaign,
    sweep_openings_and_closings,
)
from headless_presale.catalog.models import Product, ProductVariant
from headless_presale.checkout import Address, Buyer, CartLine, PlaceOrder
from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.shops.models import Merchant, Shop

TERMS: dict[str, Any] = {
    "ships_by": date(2026, 6, 30),
    "refund_policy": {"en": "Deposits are refunded until the campaign closes."},
    "cancel_conditions": {"en": "Cancel any time before the balance opens."},
}
ADDRESS = Address(country="CN", city="Shanghai", line1="1 Nanjing Road", postal_code="200001")


async def make_shop(slug: str = "moonlit-forge", currency: str = "CNY") -> Shop:
    """Create a shop of a merchant of its own."""
    merchant = await Merchant.create(id=new_id(), name="Moonlit Forge", created_at=clock.now())
    return await Shop.create(
        id=new_id(),
        merchant_id=merchant.id,
        slug=slug,
        name="Moonlit Forge",
        currency=currency,
        default_locale="en",
        created_at=clock.now(),
    )


async def make_variant(
    shop: Shop, sku: str = "FOX-1", *, price_minor: int = 10_000, title: str = "Nebula Fox"
) -> ProductVariant:
    """Create a product with one variant."""
    at = clock.now()
    product = await Product.create(
        id=new_id(),
        shop_id=shop.id,
        handle=sku.lower(),
        title=title,
        created_at=at,
        updated_at=at,
    )
    return await ProductVariant.create(
        id=new_id(),
        product_id=product.id,
        position=0,
        sku=sku,
        price_minor=price_minor,
        currency=shop.currency,
        created_at=at,
        updated_at=at,
    )


@dataclass(frozen=True, slots=True)
class Sale:
    """A shop with a campaign that is open."""

    shop: Shop
    campaign: CampaignSnapshot

    @property
    def item_id(self) -> UUID:
        return self.campaign.items[0].id

    @property
    def pool_id(self) -> UUID:
        return self.campaign.items[0].pool_id


def deposit_plan(closes_at: datetime, **changes: Any) -> dict[str, Any]:
    """Return a deposit plan: 20 % now, the balance within a week after the close."""
    return {
        "kind": "DEPOSIT",
        "deposit_bps": 2_000,
        "balance_opens_at": closes_at + timedelta(days=1),
        "balance_due_at": closes_at + timedelta(days=8),
        **changes,
    }


def draft(
    *,
    skus: Sequence[str] = ("FOX-1",),
    capacity: int = 50,
    limit: int | None = None,
    item: dict[str, Any] | None = None,
    opens_at: datetime | None = None,
    days: int = 7,
    **changes: Any,
) -> CampaignDraft:
    """Return a full-payment campaign of ``days`` days that opens now, with valid terms."""
    starts = opens_at or clock.now()
    body: dict[str, Any] = {
        "handle": "nebula-fox",
        "title": "Nebula Fox presale",
        "opens_at": starts,
        "closes_at": starts + timedelta(days=days),
        "items": [
            {
                "variant": {"sku": sku},
                "limit_per_customer": limit,
                "batches": [{"capacity": capacity, "ships_by": date(2026, 6, 30)}],
                **(item or {}),
            }
            for sku in skus
        ],
        "terms": TERMS,
        **changes,
    }
    return CampaignDraft.model_validate(body)


async def open_sale(
    *, shop: Shop | None = None, has_variants: bool = False, **options: Any
) -> Sale:
    """Create and publish a campaign that is open now."""
    shop = shop or await make_shop()
    if not has_variants:
        for sku in options.get("skus", ("FOX-1",)):
            await make_variant(shop, sku)
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    campaign = await create_campaign(ref, draft(**options))
    await publish_campaign(campaign.id, default_locale="en")
    await sweep_openings_and_closings()
    found = await find_snapshot(campaign.id, fresh=True)
    assert found is not None
    return Sale(shop, found)


def order_for(
    sale: Sale,
    *,
    email: str = "lin@example.com",
    key: str | None = None,
    quantity: int = 1,
    lines: Sequence[CartLine] | None = None,
    **changes: Any,
) -> PlaceOrder:
    """Return a buyer's order of the sale's first item."""
    terms = sale.campaign.terms
    assert terms is not None
    return PlaceOrder(
        **{
            "shop_id": sale.shop.id,
            "lines": lines if lines is not None else [CartLine(sale.item_id, quantity)],
            "buyer": Buyer(email=email, name="Lin"),
            "shipping_address": ADDRESS,
            "accepted_terms_version": terms.version,
            "idempotency_key": key or str(uuid4()),
            "locale": "en",
            **changes,
        }
    )


async def two_items(first: int, second: int) -> tuple[Sale, list[CartLine]]:
    """Open a sale of two items; return it with one line of each, in the order of the pools."""
    shop = await make_shop()
    for sku in ("FOX-1", "FOX-2"):
        await make_variant(shop, sku)
    items = [
        {"variant": {"sku": sku}, "batches": [{"capacity": capacity, "ships_by": "2026-06-30"}]}
        for sku, capacity in (("FOX-1", first), ("FOX-2", second))
    ]
    sale = await open_sale(shop=shop, has_variants=True, items=items)
    return sale, [CartLine(item.id, 1) for item in sale.campaign.items]
