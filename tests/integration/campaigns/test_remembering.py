"""Snapshots that a process remembers for a second: by id, by handle, in lists, by version."""

from datetime import timedelta
from uuid import UUID

import pytest

from headless_presale.campaigns import (
    extend_campaign,
    find_snapshot_at,
    find_snapshots,
    forget_all,
    list_snapshots,
    snapshot,
)
from headless_presale.campaigns.models import Campaign
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.freshness import watch_freshness
from headless_presale.kernel.ids import new_id
from tests.support.shop import make_shop, open_sale
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "redis")


@pytest.fixture(autouse=True)
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered stays so however long a test takes."""
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 60.0)


async def test_a_campaign_is_found_by_its_handle_without_asking_again(clock: ManualClock) -> None:
    sale = await open_sale()
    forget_all()

    async with counted_statements() as sent:
        for _ in range(3):
            assert await find_snapshot_at(sale.shop.id, "nebula-fox") == sale.campaign
    assert len(sent.asked) == 1
    assert await find_snapshot_at(sale.shop.id, "other") is None
    assert await find_snapshot_at(new_id(), "nebula-fox") is None

    # A handle that now is another campaign's is not looked up by what it was
    await Campaign.filter(id=sale.campaign.id).update(handle="old-fox")
    snapshot.forget(sale.campaign.id)
    assert await find_snapshot_at(sale.shop.id, "nebula-fox") is None
    found = await find_snapshot_at(sale.shop.id, "old-fox")
    assert found is not None
    assert found.id == sale.campaign.id


async def test_a_list_reads_whole_what_has_changed_and_nothing_else(clock: ManualClock) -> None:
    shop = await make_shop()
    sales = [await open_sale(shop=shop, handle=f"fox-{n}", skus=(f"FOX-{n}",)) for n in range(3)]
    forget_all()

    async def listed() -> tuple[dict[UUID, int], int]:
        async with counted_statements() as sent:
            found = await list_snapshots(shop.id, limit=10)
        return {campaign.id: campaign.version for campaign in found}, len(sent.asked)

    versions = {sale.campaign.id: sale.campaign.version for sale in sales}
    assert await listed() == (versions, 2)
    assert await listed() == (versions, 1)

    # When another process has changed one of them, of which this one heard nothing
    changed = sales[1].campaign
    await Campaign.filter(id=changed.id).update(title="Red Fox", version=changed.version + 1)
    assert await listed() == ({**versions, changed.id: changed.version + 1}, 2)
    assert await listed() == ({**versions, changed.id: changed.version + 1}, 1)
    # Or when the clock has, which makes no new version
    await Campaign.filter(id=changed.id).update(status="CLOSED")
    assert (await listed())[1] == 2
    titles = {campaign.title for campaign in await list_snapshots(shop.id, limit=10)}
    assert titles == {"Nebula Fox presale", "Red Fox"}


async def test_several_are_read_in_one_statement_and_what_is_none_left_out(
    clock: ManualClock,
) -> None:
    sale = await open_sale()
    forget_all()
    nobody = new_id()
    async with counted_statements() as sent:
        assert await find_snapshots({sale.campaign.id: None, nobody: None}) == {
            sale.campaign.id: sale.campaign
        }
    assert len(sent.asked) == 1


async def test_what_is_remembered_says_since_when(clock: ManualClock) -> None:
    sale = await open_sale()
    forget_all()
    before = watch_freshness().read_at
    await find_snapshots({sale.campaign.id: None})
    later = watch_freshness()
    at_first = later.read_at

    await find_snapshot_at(sale.shop.id, "nebula-fox")

    assert before <= later.read_at < at_first


async def test_a_change_of_this_process_is_seen_by_its_handle_at_once(clock: ManualClock) -> None:
    sale = await open_sale()
    await find_snapshot_at(sale.shop.id, "nebula-fox")
    closes_at = sale.campaign.closes_at + timedelta(days=1)

    await extend_campaign(
        sale.campaign.id, closes_at=closes_at, reason="More clay.", default_locale="en"
    )

    found = await find_snapshot_at(sale.shop.id, "nebula-fox")
    assert found is not None
    assert found.closes_at == closes_at
