"""What a customer waits for: the campaigns whose opening he asked to be told of."""

from datetime import timedelta
from typing import Any

import pytest

from headless_presale.campaigns import cancel_campaign, forget_all
from headless_presale.kernel.clock import ManualClock
from headless_presale.notify_me import (
    CampaignWatcher,
    confirm,
    confirm_token,
    person_of,
    unsubscribe,
    unsubscribe_token,
)
from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop
from tests.support.statements import counted_statements
from tests.support.waiting import EMAIL, OPENS_IN, ask, scheduled_sale

pytestmark = pytest.mark.usefixtures("redis", "clock")

AWAITED = "{ me { awaitedCampaigns { isConfirmed askedAt campaign { handle status } } } }"


async def awaited(api: Api, bearer: str) -> list[tuple[str, bool]]:
    found: list[dict[str, Any]] = (await api.ask(AWAITED, bearer=bearer)).data["me"][
        "awaitedCampaigns"
    ]
    assert {each["campaign"]["status"] for each in found} <= {"SCHEDULED"}
    return [(each["campaign"]["handle"], each["isConfirmed"]) for each in found]


async def test_a_customer_sees_what_he_waits_for_until_it_opens(
    api: Api, clock: ManualClock
) -> None:
    # Given two campaigns that open later, and somebody who asked for both before he signed in
    shop = await make_shop()
    soon = await scheduled_sale(shop, handle="soon")
    opens_at = clock.now() + OPENS_IN + timedelta(days=1)
    later = await scheduled_sale(shop, sku="FOX-2", handle="later", opens_at=opens_at)
    await ask(later)
    await ask(soon)
    ann = (await Storefront(api, shop).sign_in(EMAIL))["accessToken"]
    bob = (await Storefront(api, shop).sign_in("bob@example.com"))["accessToken"]

    # Then the next opening comes first, and nobody else sees it
    assert await awaited(api, ann) == [("soon", False), ("later", False)]
    assert await awaited(api, bob) == []

    # When the link of a mail is opened
    watcher = await CampaignWatcher.get(campaign_id=soon.campaign.id)
    await confirm(confirm_token(watcher.id))
    assert await awaited(api, ann) == [("soon", True), ("later", False)]

    # Then what is called off, and what has opened, is waited for no longer
    await cancel_campaign(later.campaign.id, reason="the mould broke")
    assert await awaited(api, ann) == [("soon", True)]
    clock.advance(OPENS_IN)
    ann = (await Storefront(api, shop).sign_in(EMAIL))["accessToken"]
    assert await awaited(api, ann) == []


async def test_who_unsubscribed_waits_for_nothing(api: Api) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    await ask(sale)
    ann = (await Storefront(api, sale.shop).sign_in(EMAIL))["accessToken"]
    assert await awaited(api, ann) == [("nebula-fox", True)]

    await unsubscribe(unsubscribe_token(person_of(sale.shop.id, EMAIL)))

    assert await awaited(api, ann) == []


async def test_another_shop_s_list_is_not_his(api: Api) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    elsewhere = await make_shop("other-shop")
    await ask(sale)
    ann = (await Storefront(api, elsewhere).sign_in(EMAIL))["accessToken"]
    assert await awaited(api, ann) == []


async def test_any_number_takes_the_same_statements(api: Api) -> None:
    shop = await make_shop()
    first = await scheduled_sale(shop, handle="first", is_confirmed=True)
    await ask(first)
    ann = (await Storefront(api, shop).sign_in(EMAIL))["accessToken"]
    costs = []
    for number in range(3):
        sale = await scheduled_sale(
            shop, sku=f"FOX-{number + 2}", handle=f"more-{number}", is_confirmed=True
        )
        await ask(sale)
        async with counted_statements() as sent:
            # The process remembers a campaign for a second.
            forget_all()
            assert len(await awaited(api, ann)) == number + 2
            costs.append(len([s for s in sent if "FROM" in s and "pg_" not in s]))

    # Who asks, his shop, what he waits for, the campaigns.
    assert costs == [4, 4, 4]
