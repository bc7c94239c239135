"""A forgotten password: asked for by anybody, answered alike, used once."""

from datetime import timedelta

import asyncpg
import pytest

from headless_presale.identity.errors import (
    LinkDead,
    LinkState,
    PasswordRefused,
    TooManyAttempts,
)
from headless_presale.identity.limits import Source
from headless_presale.identity.links import link_token
from headless_presale.identity.models import Account, OAuthGrant, PasswordReset
from headless_presale.identity.passwords import hash_password
from headless_presale.identity.resets import (
    VALID_FOR,
    find_reset_account,
    open_reset,
    request_reset,
    reset_password,
    reset_token,
)
from headless_presale.identity.sessions import find_session, start_session
from headless_presale.identity.sign_in import sign_in_with_password
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import new_id
from tests.support.accounts import PASSWORD, make_account
from tests.support.shop import make_shop
from tests.support.staff import sign_in
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "clock")

HOME = Source(address="192.0.2.1")
NEW = "another good passphrase"


async def make_token(email: str = "ada@shop.example") -> str:
    """Open a reset and return what its mail would carry."""
    await open_reset(email, locale="en")
    reset = await PasswordReset.all().order_by("-id").first()
    assert reset is not None
    return reset_token(reset.id)


async def test_asking_costs_the_same_whether_there_is_an_account_or_not(
    database_admin: asyncpg.Connection,
) -> None:
    await make_account(password_hash=await hash_password(PASSWORD))

    async with counted_statements() as known:
        await request_reset("ada@shop.example", locale="en", source=HOME)
    async with counted_statements() as unknown:
        await request_reset(
            "nobody@shop.example", locale="en", source=Source(address="198.51.100.7")
        )

    assert list(unknown) == list(known)
    jobs = await database_admin.fetch(
        "SELECT args->>'email' AS email FROM procrastinate_jobs "
        "WHERE task_name = 'identity:open_reset' ORDER BY id"
    )
    assert [job["email"] for job in jobs] == ["ada@shop.example", "nobody@shop.example"]


@pytest.mark.parametrize("email", ["nobody@shop.example", "gone@shop.example", "no address", ""])
async def test_without_an_active_account_nothing_is_opened(email: str, clock: ManualClock) -> None:
    await make_account("gone@shop.example", deactivated_at=clock.now())

    await open_reset(email, locale="en")

    assert await PasswordReset.all().count() == 0


async def test_asking_again_and_again_meets_pauses(clock: ManualClock) -> None:
    for _ in range(3):
        await request_reset("ada@shop.example", locale="en", source=HOME)

    with pytest.raises(TooManyAttempts) as pause:
        await request_reset("ada@shop.example", locale="en", source=Source(address="198.51.100.7"))

    assert pause.value.retry_after_seconds == 60


async def test_a_reset_sets_the_password_and_throws_everybody_out() -> None:
    # Given somebody signed in, and an application that acts for the same person
    shop = await make_shop()
    caller = await sign_in(shop, email="ada@shop.example")
    assert caller.account is not None
    other = await sign_in(shop, email="bob@shop.example")
    session = await start_session(caller.account.id, factors=["pwd"], is_complete=True)

    # When a new password is set by mail
    account = await reset_password(await make_token(), NEW, source=HOME)

    # Then it counts, the browser is out, and the application's grant is over; nobody else's is
    assert account.id == caller.account.id
    assert await sign_in_with_password("ada@shop.example", NEW, source=HOME, user_agent="")
    assert await find_session(session.cookie_value) is None
    grant = await OAuthGrant.get(id=caller.grant.id)
    assert (grant.revoked_at is not None, grant.revoked_reason) == (True, "password_reset")
    assert (await OAuthGrant.get(id=other.grant.id)).revoked_at is None


async def test_a_link_is_used_once_and_ends_the_others() -> None:
    await make_account()
    first, second = await make_token(), await make_token()

    await reset_password(first, NEW, source=HOME)

    for token in (first, second):
        with pytest.raises(LinkDead) as dead:
            await reset_password(token, "yet another phrase", source=HOME)
        assert dead.value.state is LinkState.USED
    assert await sign_in_with_password("ada@shop.example", NEW, source=HOME, user_agent="")


async def test_a_link_lasts_half_an_hour(clock: ManualClock) -> None:
    await make_account()
    token = await make_token()
    clock.advance(VALID_FOR - timedelta(seconds=1))
    assert (await find_reset_account(token)).email == "ada@shop.example"

    clock.advance(timedelta(seconds=1))

    with pytest.raises(LinkDead) as dead:
        await reset_password(token, NEW, source=HOME)
    assert dead.value.state is LinkState.EXPIRED
    assert (await Account.get()).password_hash is None


async def test_a_refused_password_leaves_the_link() -> None:
    await make_account()
    token = await make_token()

    with pytest.raises(PasswordRefused):
        await reset_password(token, "short", source=HOME)

    await reset_password(token, NEW, source=HOME)


@pytest.mark.parametrize("case", ["forged", "unsigned", "other purpose", "nothing", "unknown"])
async def test_only_our_own_links_count(case: str) -> None:
    await make_account()
    token = await make_token()
    reset = await PasswordReset.get()
    tokens = {
        "forged": token[:-4] + ("aaaa" if token[-4:] != "aaaa" else "bbbb"),
        "unsigned": reset.id.hex,
        "other purpose": link_token("invitation", reset.id),
        "nothing": "",
        "unknown": reset_token(new_id()),
    }

    with pytest.raises(LinkDead) as dead:
        await reset_password(tokens[case], NEW, source=HOME)

    assert dead.value.state is LinkState.UNKNOWN


async def test_trying_links_meets_pauses() -> None:
    for _ in range(20):
        with pytest.raises(LinkDead):
            await reset_password("guess", NEW, source=HOME)

    with pytest.raises(TooManyAttempts):
        await reset_password("guess", NEW, source=HOME)
