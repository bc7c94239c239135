"""The clock opens and closes a campaign, whatever the sweep has written down."""

from datetime import UTC, datetime, timedelta

import pytest

from headless_presale.campaigns import CampaignStatus, status_at

OPENS = datetime(2026, 3, 1, tzinfo=UTC)
CLOSES = OPENS + timedelta(days=7)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize("recorded", [CampaignStatus.SCHEDULED, CampaignStatus.LIVE])
@pytest.mark.parametrize(
    ("at", "status"),
    [
        (OPENS - TICK, CampaignStatus.SCHEDULED),
        (OPENS, CampaignStatus.LIVE),
        (CLOSES - TICK, CampaignStatus.LIVE),
        (CLOSES, CampaignStatus.CLOSED),
    ],
)
def test_the_clock_decides_once_published(
    recorded: CampaignStatus, at: datetime, status: CampaignStatus
) -> None:
    assert status_at(recorded, opens_at=OPENS, closes_at=CLOSES, at=at) is status


@pytest.mark.parametrize(
    "recorded", [CampaignStatus.DRAFT, CampaignStatus.CLOSED, CampaignStatus.CANCELLED]
)
@pytest.mark.parametrize("at", [OPENS - TICK, OPENS, CLOSES])
def test_the_clock_opens_no_draft_and_revives_nothing(
    recorded: CampaignStatus, at: datetime
) -> None:
    assert status_at(recorded, opens_at=OPENS, closes_at=CLOSES, at=at) is recorded
