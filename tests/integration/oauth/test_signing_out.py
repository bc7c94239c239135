"""Who is signed out of a browser is out of the admin there: its tokens end too."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from headless_presale.identity import OAuthGrant, Scope, issuer, sessions
from headless_presale.identity.limits import Source
from headless_presale.identity.models import Account, SignInSession
from headless_presale.identity.oauth import authorization
from headless_presale.identity.oauth.clients import ADMIN_CLIENT
from headless_presale.identity.passwords import hash_password
from headless_presale.identity.sessions import (
    Session,
    end_session,
    list_sessions,
    replace_session,
    start_session,
)
from headless_presale.identity.sign_in import change_password, reset_second_factors
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from tests.support.accounts import PASSWORD, make_account
from tests.support.oauth import App, Person, admin_app, sign_in_browser
from tests.support.pages import Site


@dataclass(frozen=True, slots=True)
class Two:
    """One person in two browsers, each with the admin; and an application that was let in.

    ``here`` and ``there`` are the sessions, the rest refresh tokens.
    """

    here: Session
    there: Session
    admin: App
    admin_here: str
    admin_there: str
    app: App
    app_token: str

    async def standing(self) -> tuple[bool, bool, bool]:
        """Return whether the admin here, the admin there and the application go on."""
        answers = [
            await self.admin.refresh(self.admin_here),
            await self.admin.refresh(self.admin_there),
            await self.app.refresh(self.app_token),
        ]
        here, there, app = [answer.status_code == 200 for answer in answers]
        return here, there, app


@pytest.fixture
async def two(
    site: Site, owner: Person, app: App, http: httpx.AsyncClient, clock: ManualClock
) -> AsyncIterator[Two]:
    await Account.filter(id=owner.account_id).update(password_hash=await hash_password(PASSWORD))
    admin = admin_app(http, issuer())
    app_token = (await owner.tokens(app))["refresh_token"]
    admin_there = (await owner.tokens(admin))["refresh_token"]
    clock.advance(timedelta(minutes=1))
    async with site.browser() as browser:
        await sign_in_browser(site.settings, browser, owner.account_id)
        second = Person(browser, owner.account_id, owner.shop)
        admin_here = (await second.tokens(admin))["refresh_token"]
        there, here = sorted(await list_sessions(owner.account_id), key=lambda s: s.created_at)
        yield Two(here, there, admin, admin_here, admin_there, app, app_token)


async def new_password(two: Two) -> None:
    source = Source(address="198.51.100.9")
    assert await change_password(two.here, PASSWORD, "a new sentence to know", source=source)


async def end_there(two: Two) -> None:
    await end_session(two.there.id)


async def lose_factors(two: Two) -> None:
    await reset_second_factors(two.here.account_id)


@pytest.mark.parametrize(
    ("act", "left"),
    [
        (new_password, (True, False, True)),
        (end_there, (True, False, True)),
        (lose_factors, (False, False, True)),
    ],
)
async def test_the_admin_of_a_browser_ends_with_its_session(
    two: Two, act: Callable[[Two], Awaitable[None]], left: tuple[bool, bool, bool]
) -> None:
    await act(two)

    assert await two.standing() == left


async def test_a_new_password_ends_the_admin_of_a_session_that_is_over(
    two: Two, owner: Person, clock: ManualClock
) -> None:
    # Given a thief whose session has ended by itself, and whose admin renews its tokens
    await SignInSession.filter(id=two.there.id).update(ended_at=clock.now(), expires_at=clock.now())

    await new_password(two)

    assert await two.standing() == (True, False, True)


async def test_who_signs_in_again_keeps_the_admin_and_it_belongs_to_the_new_session(
    two: Two, clock: ManualClock
) -> None:
    clock.advance(timedelta(minutes=1))
    again = await start_session(two.there.account_id, factors=["pwd"], is_complete=True)

    await replace_session(two.there, again.session)
    admin = await two.admin.refresh(two.admin_there)
    await end_session(again.session.id)

    assert admin.status_code == 200
    ended = await two.admin.refresh(admin.json()["refresh_token"])
    assert ended.json()["error"] == "invalid_grant"
    assert (await two.admin.refresh(two.admin_here)).status_code == 200


async def test_somebody_else_in_the_same_browser_ends_it(two: Two) -> None:
    other = await start_session(
        await make_account("bob@shop.example"), factors=["pwd"], is_complete=True
    )

    await replace_session(two.there, other.session)

    assert await two.standing() == (True, False, True)


async def test_control_without_it_the_thief_keeps_the_admin(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object, **__: object) -> int:
        return 0

    monkeypatch.setattr(sessions, "revoke_grants", nothing)

    await new_password(two)

    assert await two.standing() == (True, True, True)


async def _open_the_admin_while_its_session_ends(two: Two, owner: Person) -> str:
    """Let the browser that is signed out at this moment ask for a code; return where it is sent."""
    ended, commit = asyncio.Event(), asyncio.Event()

    @shielded
    async def end_slowly() -> None:
        async with unit_of_work():
            await end_session(two.there.id)
            ended.set()
            await commit.wait()

    ending = asyncio.create_task(end_slowly())
    await ended.wait()
    opening = asyncio.create_task(owner.browser.open(two.admin.address()))
    await asyncio.sleep(0.2)
    commit.set()
    await ending
    sent_to: str = (await opening).location
    return sent_to


async def test_a_code_asked_for_while_signing_out_is_not_given(two: Two, owner: Person) -> None:
    before = await OAuthGrant.all().count()

    sent_to = await _open_the_admin_while_its_session_ends(two, owner)

    # There once more, as somebody who is signed out.
    assert urlsplit(sent_to).path == "/oauth/authorize"
    assert urlsplit((await owner.browser.follow()).location).path == "/sign-in"
    assert await OAuthGrant.all().count() == before


async def test_control_who_does_not_look_at_the_session_gives_it(
    two: Two, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def only_who_asks(*_: object) -> tuple[frozenset[Scope], str]:
        return frozenset({Scope.ORDERS_READ}), "owner@shop.example"

    monkeypatch.setattr(authorization, "_grantable", only_who_asks)

    await _open_the_admin_while_its_session_ends(two, owner)

    left = await OAuthGrant.filter(revoked_at=None, client_id=ADMIN_CLIENT)
    assert two.there.authenticated_at in {grant.authenticated_at for grant in left}
