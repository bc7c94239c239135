"""A snapshot that many want in the same moment is read once, and never from before a change."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from headless_presale.campaigns import find_snapshot, forget, snapshot
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.reading import read_rows
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from tests.support.shop import open_sale

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


class Reads:
    """Counts reads of the database, which wait to be let go on."""

    def __init__(self) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()
        self.is_broken = False
        self._fetch = snapshot._fetch

    async def __call__(self, where: str, *args: object) -> Any:
        self.begun += 1
        found = await self._fetch(where, *args)
        await self.go_on.wait()
        if self.is_broken:
            raise Unavailable("database")
        return found


async def _begun(*coroutines: Any) -> "asyncio.Future[list[Any]]":
    everybody = asyncio.gather(*coroutines, return_exceptions=True)
    # They get as far as they get without an answer of the database.
    for _ in range(5):
        await asyncio.sleep(0)
    return everybody


async def test_many_who_find_it_too_old_share_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sale = await open_sale()
    reads = Reads()
    monkeypatch.setattr(snapshot, "_fetch", reads)
    forget(sale.campaign.id)

    everybody = await _begun(*(find_snapshot(sale.campaign.id) for _ in range(20)))
    reads.go_on.set()

    assert {found.version for found in await everybody} == {sale.campaign.version}
    assert reads.begun == 1


async def test_who_comes_after_a_change_does_not_get_what_was_read_before_it(
    monkeypatch: pytest.MonkeyPatch, database_admin: Any
) -> None:
    sale = await open_sale()
    reads = Reads()
    monkeypatch.setattr(snapshot, "_fetch", reads)
    forget(sale.campaign.id)
    before = await _begun(find_snapshot(sale.campaign.id))

    await database_admin.execute("UPDATE campaign SET version = version + 1")
    forget(sale.campaign.id)
    after = await _begun(find_snapshot(sale.campaign.id), find_snapshot(sale.campaign.id))
    reads.go_on.set()

    await before
    assert {found.version for found in await after} == {sale.campaign.version + 1}
    assert reads.begun == 2


async def test_what_was_read_before_a_change_is_not_remembered_after_it(
    monkeypatch: pytest.MonkeyPatch, database_admin: Any
) -> None:
    sale = await open_sale()
    is_read, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(*arguments: Any) -> Any:
        rows = await read_rows(*arguments)
        is_read.set()
        await go_on.wait()
        return rows

    monkeypatch.setattr(snapshot, "read_rows", slowly)
    forget(sale.campaign.id)
    before = asyncio.create_task(find_snapshot(sale.campaign.id))
    await is_read.wait()

    await database_admin.execute("UPDATE campaign SET version = version + 1")
    forget(sale.campaign.id)
    go_on.set()

    await before
    after = await find_snapshot(sale.campaign.id)
    assert after is not None
    assert after.version == sale.campaign.version + 1


async def test_a_read_that_fails_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    sale = await open_sale()
    reads = Reads()
    monkeypatch.setattr(snapshot, "_fetch", reads)
    forget(sale.campaign.id)
    reads.is_broken = True
    reads.go_on.set()

    answers = await asyncio.gather(
        *(find_snapshot(sale.campaign.id) for _ in range(3)), return_exceptions=True
    )
    reads.is_broken = False

    assert [type(answer) for answer in answers] == [Unavailable] * 3
    assert await find_snapshot(sale.campaign.id) is not None


async def test_who_goes_away_does_not_end_the_read_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sale = await open_sale()
    reads = Reads()
    monkeypatch.setattr(snapshot, "_fetch", reads)
    forget(sale.campaign.id)
    first = asyncio.create_task(find_snapshot(sale.campaign.id))
    second = await _begun(find_snapshot(sale.campaign.id))

    first.cancel()
    reads.go_on.set()

    assert [found.id for found in await second] == [sale.campaign.id]


async def test_campaigns_that_are_asked_for_at_once_are_read_by_one_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = await open_sale()
    others = [
        await open_sale(shop=first.shop, handle=f"sale-{n}", skus=(f"OWL-{n}",)) for n in range(5)
    ]
    reads = Reads()
    reads.go_on.set()
    monkeypatch.setattr(snapshot, "_fetch", reads)
    ids = [sale.campaign.id for sale in (first, *others)]
    for id_ in ids:
        forget(id_)

    found, listed = await asyncio.gather(
        asyncio.gather(*(find_snapshot(id_) for id_ in ids[:3])),
        snapshot.find_snapshots(dict.fromkeys(ids[3:])),
    )

    assert [campaign.id for campaign in found if campaign is not None] == ids[:3]
    assert [*listed] == ids[3:]
    assert reads.begun == 1


@shielded
async def _changed_unseen(
    campaign_id: UUID, is_changed: asyncio.Event, are_done: asyncio.Event
) -> list[int]:
    """Return the versions that a transaction reads after it has changed it itself."""
    versions = []
    async with unit_of_work() as work:
        await work.execute("UPDATE campaign SET version = version + 1 WHERE id = $1", campaign_id)
        is_changed.set()
        # Others read the same while this goes on.
        for _ in range(5):
            own = await find_snapshot(campaign_id, fresh=True)
            assert own is not None
            versions.append(own.version)
        await are_done.wait()
    return versions


async def test_what_a_transaction_has_changed_it_reads_and_nobody_else() -> None:
    sale = await open_sale()
    is_changed, are_done = asyncio.Event(), asyncio.Event()

    async def read_by_others() -> set[int]:
        await is_changed.wait()
        found = await asyncio.gather(
            *(find_snapshot(sale.campaign.id, fresh=True) for _ in range(5))
        )
        are_done.set()
        return {campaign.version for campaign in found if campaign is not None}

    others = asyncio.create_task(read_by_others())
    own = await _changed_unseen(sale.campaign.id, is_changed, are_done)

    assert own == [sale.campaign.version + 1] * 5
    assert await others == {sale.campaign.version}
