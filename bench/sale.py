"""A shop with one large presale, made through the product's own services."""

from datetime import timedelta
from uuid import UUID

from headless_presale.campaigns import (
    CampaignDraft,
    CampaignSnapshot,
    ShopRef,
    create_campaign,
    find_snapshot,
    publish_campaign,
    sweep_openings_and_closings,
)
from headless_presale.catalog import Product, ProductVariant
from headless_presale.checkout import Address, Buyer, CartLine, PlaceOrder
from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.shops import CreateShop, ensure_shop

ADDRESS = Address(country="CN", city="Shanghai", line1="1 Nanjing Road")


async def open_sale(handle: str, *, capacity: int) -> CampaignSnapshot:
    """Open a deposit campaign of one item with so many slots."""
    shop = await ensure_shop(CreateShop(slug="bench", name="Bench", currency="CNY"))
    at = clock.now()
    product = await Product.create(
        id=new_id(), shop_id=shop.id, handle=handle, title=handle, created_at=at, updated_at=at
    )
    await ProductVariant.create(
        id=new_id(),
        product_id=product.id,
        position=0,
        sku=handle,
        price_minor=89_900,
        currency="CNY",
        created_at=at,
        updated_at=at,
    )
    closes_at = at + timedelta(days=7)
    draft = CampaignDraft.model_validate(
        {
            "handle": handle,
            "title": handle,
            "opens_at": at,
            "closes_at": closes_at,
            "payment_plan": {
                "kind": "DEPOSIT",
                "balance_opens_at": closes_at + timedelta(days=1),
                "balance_due_at": closes_at + timedelta(days=8),
            },
            "items": [
                {
                    "variant": {"sku": handle},
                    "batches": [{"capacity": capacity, "ships_by": closes_at.date()}],
                }
            ],
            "terms": {
                "ships_by": closes_at.date(),
                "refund_policy": {"en": "Refunded until the close."},
                "cancel_conditions": {"en": "Any time before the close."},
            },
        }
    )
    campaign = await create_campaign(ShopRef(shop.id, shop.currency, "en"), draft)
    await publish_campaign(campaign.id, default_locale="en")
    await sweep_openings_and_closings()
    found = await find_snapshot(campaign.id, fresh=True)
    assert found is not None
    return found


def order_of(campaign: CampaignSnapshot, number: int) -> PlaceOrder:
    """Return the order of buyer ``number``."""
    assert campaign.terms is not None
    item_id: UUID = campaign.items[0].id
    return PlaceOrder(
        shop_id=campaign.shop_id,
        lines=[CartLine(item_id, 1)],
        buyer=Buyer(email=f"buyer{number}@example.com", name="Buyer"),
        shipping_address=ADDRESS,
        accepted_terms_version=campaign.terms.version,
        idempotency_key=f"{campaign.handle}-{number}",
        locale="en",
    )
