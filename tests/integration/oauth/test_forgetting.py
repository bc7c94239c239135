"""What has ended long ago is deleted, and nothing that somebody still needs."""

from datetime import timedelta

import pytest

from headless_presale.identity import OAuthGrant, revoke_grant
from headless_presale.identity.models import OAuthCode, OAuthConsent, OAuthRefreshToken
from headless_presale.identity.oauth import forgetting
from headless_presale.identity.oauth.forgetting import forget_ended
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock
from tests.support.oauth import App, Person


async def test_what_is_in_use_stays(owner: Person, app: App, clock: ManualClock) -> None:
    tokens = await owner.tokens(app)
    clock.advance(timedelta(days=13))
    tokens = (await app.refresh(tokens["refresh_token"])).json()
    clock.advance(timedelta(days=13))

    # The first refresh token has expired, used up; the second one is good for another day.
    assert await forget_ended() == 1

    assert await OAuthRefreshToken.all().count() == 1
    assert (await app.refresh(tokens["refresh_token"])).status_code == 200


async def test_a_grant_goes_a_month_after_its_end(
    owner: Person, app: App, clock: ManualClock
) -> None:
    await owner.tokens(app)
    ended = await OAuthGrant.get()
    await revoke_grant(owner.shop.merchant_id, ended.id)
    await owner.tokens(app)
    await owner.browser.open(app.address())  # a code that nobody redeems
    clock.advance(timedelta(days=30) - timedelta(seconds=1))
    await forget_ended()
    assert await OAuthGrant.all().count() == 3
    clock.advance(timedelta(minutes=1, seconds=1))

    # The one that was revoked, and the one whose code nobody wanted
    assert await forget_ended() == 2

    assert (await OAuthGrant.get()).revoked_at is None
    assert await OAuthCode.all().count() == 1
    # What the person has allowed, and what the log says, stays.
    assert await OAuthConsent.all().count() == 1
    assert await AuditEntry.filter(subject_id=ended.id).count() == 2


async def test_many_go_in_several_transactions(
    owner: Person, app: App, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    for _ in range(5):
        await owner.allow(app)
    clock.advance(timedelta(days=31))

    assert await forget_ended() == 5
    assert await OAuthGrant.all().count() == 0
