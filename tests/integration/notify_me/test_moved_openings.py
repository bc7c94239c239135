"""An opening that is moved is told when it comes, not when it was to be."""

from datetime import timedelta

import asyncpg
import pytest

from headless_presale.campaigns import reschedule_campaign, sweep_openings_and_closings
from headless_presale.kernel.clock import ManualClock
from headless_presale.notifications import ListMailKind
from tests.conftest import NOON
from tests.support.waiting import EMAIL, OPENS_IN, ask, mails_written, scheduled_sale

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


@pytest.mark.parametrize("moved_to", [OPENS_IN - timedelta(hours=30), OPENS_IN + timedelta(days=1)])
async def test_he_is_told_at_the_opening_that_counts(
    database_admin: asyncpg.Connection, clock: ManualClock, moved_to: timedelta
) -> None:
    sale = await scheduled_sale(is_confirmed=True)
    await ask(sale)
    await reschedule_campaign(sale.campaign.id, opens_at=NOON + moved_to, default_locale="en")

    clock.advance(moved_to - timedelta(seconds=1))
    await sweep_openings_and_closings()
    assert await mails_written(database_admin, ListMailKind.CAMPAIGN_OPENED) == []

    clock.advance(timedelta(seconds=1))
    await sweep_openings_and_closings()
    assert await mails_written(database_admin, ListMailKind.CAMPAIGN_OPENED) == [EMAIL]
