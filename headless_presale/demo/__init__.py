"""The demo shop: a figure maker with a presale that is live and one about to open.

Made once, on an empty database, through the same services a merchant's data goes through.
"""

from datetime import timedelta
from importlib.resources import as_file, files
from typing import Any

import yaml

from headless_presale.campaigns import (
    Campaign,
    CampaignDraft,
    CampaignStatus,
    ShopRef,
    create_campaign,
    publish_campaign,
    sweep_openings_and_closings,
)
from headless_presale.catalog import (
    ImportProducts,
    OptionTranslation,
    SetTranslation,
    import_products,
    set_translation,
)
from headless_presale.kernel import clock
from headless_presale.shops import CreateShop, Shop, create_shop, find_shop

SHOP_SLUG = "moonlit-forge"
_TEXTS = ("title", "description_html", "seo_title", "seo_description")

TERMS = {
    "refund_policy": {
        "en": "Your deposit is refunded in full until the balance opens. From then on it secures "
        "your figure in production and is not refunded; a balance or full price already paid is "
        "refunded until we ship. If we cancel, you get everything back.",
        "zh-CN": "尾款开放前可全额退还定金。尾款开放后，定金用于锁定生产名额，不予退还；"
        "已支付的尾款或全款在发货前可退还。如因我方原因取消，已付款项全部退回。",
    },
    "cancel_conditions": {
        "en": "Cancel from your order page at any time before shipping. A balance that is not "
        "paid by its due date forfeits the deposit.",
        "zh-CN": "发货前可随时在订单页取消。逾期未付尾款的，定金不予退还。",
    },
}


async def ensure_demo() -> bool:
    """Make the demo shop where there is no shop at all; return whether it was made.

    Killed half way, the next start finishes it: each step is safe to repeat, and what is
    missing is told by the campaign that is published last.
    """
    if await Shop.exclude(slug=SHOP_SLUG).exists():
        return False
    shop = await find_shop(SHOP_SLUG)
    drafts = (_live_campaign(), _coming_campaign())
    if shop is not None and await _is_published(shop, drafts[-1]):
        return False
    texts = yaml.safe_load(files(__name__).joinpath("translations.yaml").read_text("utf-8"))
    if shop is None:
        shop = await create_shop(
            CreateShop(
                slug=SHOP_SLUG,
                name="Moonlit Forge",
                currency="CNY",
                default_locale="en",
                translations=texts["shop"],
            )
        )
    await _fill_catalogue(shop, texts["products"])
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    for draft in drafts:
        made = await Campaign.filter(shop_id=shop.id, handle=draft.handle).first()
        campaign = made or await create_campaign(ref, draft)
        if campaign.status is CampaignStatus.DRAFT:
            await publish_campaign(campaign.id, default_locale=shop.default_locale)
    await sweep_openings_and_closings()
    return True


async def _is_published(shop: Shop, draft: CampaignDraft) -> bool:
    return await Campaign.filter(
        shop_id=shop.id, handle=draft.handle, published_at__isnull=False
    ).exists()


async def _fill_catalogue(shop: Shop, texts: dict[str, Any]) -> None:
    with as_file(files(__name__).joinpath("products.csv")) as path:
        await import_products(
            ImportProducts(path=path, shop_id=shop.id, currency=shop.currency, is_atomic=True)
        )
    for handle, locales in texts.items():
        for locale, translated in locales.items():
            await set_translation(
                SetTranslation(
                    shop_id=shop.id,
                    handle=handle,
                    locale=locale,
                    texts={name: translated[name] for name in _TEXTS if name in translated},
                    options={
                        name: OptionTranslation(name=option["name"], values=option["values"])
                        for name, option in translated.get("options", {}).items()
                    },
                )
            )


def _live_campaign() -> CampaignDraft:
    opens_at = clock.now().replace(microsecond=0)
    closes_at = opens_at + timedelta(days=7)
    tiers = [
        {"name": "Early bird", "lasts": timedelta(days=3), "price_bps": 9_000},
        {"name": "Regular", "lasts": timedelta(days=2), "price_bps": 10_000},
        {"name": "Last call", "lasts": timedelta(days=2), "price_bps": 11_000},
    ]
    ships = closes_at.date()
    return CampaignDraft.model_validate(
        {
            "handle": "moonlit-archivist",
            "title": "The Moonlit Archivist: presale",
            "story": "Fourteen months of sculpting, one run. What you order is what we cast.",
            "translations": {
                "zh-CN": {
                    "title": "月下司书 · 预售",
                    "story": "历时十四个月雕刻，仅此一次开模。订多少，铸多少。",
                }
            },
            "opens_at": opens_at,
            "closes_at": closes_at,
            "payment_plan": {
                "kind": "DEPOSIT",
                "deposit_bps": 2_000,
                "balance_opens_at": closes_at + timedelta(days=14),
                "balance_due_at": closes_at + timedelta(days=21),
                "reminder": timedelta(days=2),
                "missed_balance": "FORFEIT",
            },
            "items": [
                {
                    "variant": {"sku": "MF-ARC-STD"},
                    "limit_per_customer": 2,
                    "time_tiers": tiers,
                    "quantity_tiers": [
                        {
                            "name": "First 100",
                            "up_to": 100,
                            "gift": "Numbered ink sketch",
                        }
                    ],
                    "batches": [
                        {"capacity": 300, "ships_by": ships + timedelta(days=60)},
                        {"capacity": 200, "ships_by": ships + timedelta(days=90)},
                    ],
                },
                {
                    "variant": {"sku": "MF-ARC-DLX"},
                    "limit_per_customer": 1,
                    "time_tiers": tiers,
                    "batches": [{"capacity": 120, "ships_by": ships + timedelta(days=75)}],
                },
            ],
            "terms": {"ships_by": ships + timedelta(days=90), **TERMS},
        }
    )


def _coming_campaign() -> CampaignDraft:
    opens_at = clock.now().replace(microsecond=0) + timedelta(hours=1)
    closes_at = opens_at + timedelta(days=10)
    return CampaignDraft.model_validate(
        {
            "handle": "ember-fox-courier",
            "title": "Ember Fox Courier: opens soon",
            "story": "Three letters, one satchel, and a tail that took eleven prototypes.",
            "translations": {
                "zh-CN": {
                    "title": "余烬狐信使 · 即将开售",
                    "story": "三封信，一只邮包，还有改了十一次样的尾巴。",
                }
            },
            "opens_at": opens_at,
            "closes_at": closes_at,
            "payment_plan": {"kind": "FULL"},
            "items": [
                {
                    "variant": {"sku": "MF-EMB-001"},
                    "limit_per_customer": 3,
                    "quantity_tiers": [{"name": "First 50", "up_to": 50, "price_bps": 9_500}],
                    "batches": [
                        {"capacity": 400, "ships_by": closes_at.date() + timedelta(days=30)}
                    ],
                }
            ],
            "terms": {"ships_by": closes_at.date() + timedelta(days=30), **TERMS},
        }
    )
