"""``python -m tests.integration.degraded.seed``: open a sale on the engines of the environment."""

import asyncio
import json
import sys
from datetime import timedelta

from headless_presale.database import migrate
from headless_presale.kernel import clock
from headless_presale.runtime import open_runtime
from headless_presale.settings import Settings
from resolvers.global_ids import seal
from tests.support.shop import TERMS, open_sale


async def _seed() -> dict[str, object]:
    settings = Settings()
    assert settings.database_url
    await migrate(settings.database_url)
    ships_by = (clock.now() + timedelta(days=90)).date()
    async with open_runtime(settings):
        sale = await open_sale(
            terms={**TERMS, "ships_by": ships_by},
            item={"batches": [{"capacity": 500, "ships_by": ships_by}]},
        )
    assert sale.campaign.terms is not None
    return {
        "shop": sale.shop.slug,
        "item_id": seal("CampaignItem", sale.item_id),
        "campaign_id": seal("Campaign", sale.campaign.id),
        "terms_version": sale.campaign.terms.version,
    }


if __name__ == "__main__":
    json.dump(asyncio.run(_seed()), sys.stdout)
