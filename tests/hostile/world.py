"""What hostile requests meet: a merchant with a sale and a token, and another one to look at."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from headless_presale.identity import set_issuer
from headless_presale.kernel import clock
from headless_presale.kernel.vault import set_secret_key
from resolvers.global_ids import seal
from schema.contract import schema
from tests.conftest import SECRET_KEY
from tests.hostile.cases import Case
from tests.hostile.drawing import Hostile
from tests.support.processes import ApiProcess
from tests.support.shop import TERMS, make_shop, open_sale
from tests.support.staff import Caller, sign_in, token_of

RENEW_SECONDS = 300
UNTOUCHED = "untouched"
"""The shop that no case has a token for."""
START_SECONDS = 120
"""A process begins within seconds, and later on a machine that has much else to do."""
SHIPS_AFTER = timedelta(days=90)


@dataclass(slots=True)
class World:
    """Ids that exist, and the caller whose token the cases carry."""

    known_ids: tuple[str, ...]
    caller: Caller
    token: str

    def cases(self, seed: int, count: int) -> Iterator[Case]:
        """Yield the cases of a seed."""
        drawn = Hostile(
            seed, schema=schema._schema, known_ids=self.known_ids, token=lambda: self.token
        )
        return drawn.cases(count)

    async def keep_token_fresh(self) -> None:
        """Renew the token before it ends, for as long as one lets it."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            self.token = await token_of(self.caller.grant)


async def make_world(url: str) -> World:
    """Make it in the open database, for a process at an address and with the secret of tests."""
    set_secret_key(SECRET_KEY)
    set_issuer(url)
    await make_shop(UNTOUCHED)
    ships_by = (clock.now() + SHIPS_AFTER).date()
    sale = await open_sale(
        item={"batches": [{"capacity": 50, "ships_by": ships_by}]},
        terms={**TERMS, "ships_by": ships_by},
    )
    item = sale.campaign.items[0]
    ids = {
        "Shop": sale.shop.id,
        "Product": item.product_id,
        "ProductVariant": item.variant_id,
        "Campaign": sale.campaign.id,
        "CampaignItem": item.id,
    }
    caller = await sign_in(sale.shop)
    known = (sale.shop.slug, *(seal(kind, uuid) for kind, uuid in ids.items()))
    return World(known, caller, caller.token)


def make_process(database_url: str, redis_url: str, folder: Path) -> ApiProcess:
    """Return the process to be attacked; it waits for what a busy machine makes slow."""
    return ApiProcess(
        database_url,
        redis_url,
        folder,
        {
            "PRESALE_SECRET_KEY": SECRET_KEY,
            "PRESALE_LOG_LEVEL": "INFO",
            "PRESALE_LOG_FORMAT": "json",
            "PRESALE_OPERATION_TIMEOUT_SECONDS": "60",
            "PRESALE_STATEMENT_TIMEOUT_MS": "60000",
            "PRESALE_REDIS_TIMEOUT_SECONDS": "30",
        },
    )
