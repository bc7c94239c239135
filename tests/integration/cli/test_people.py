"""Commands that help people sign in, each as a process of its own."""

import pytest

from headless_presale.identity import Invitation, Role, StaffMember
from headless_presale.identity.models import Account, RecoveryCode
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.clock import ManualClock, now, use_clock
from tests.support.accounts import PASSWORD, make_person, set_up_app
from tests.support.commands import run
from tests.support.pages import Site
from tests.support.shop import make_shop
from tests.support.signing_in import sign_in
from tests.support.staff import sign_in as with_token

pytestmark = pytest.mark.usefixtures("database", "redis")

SHOP = ("--shop", "moonlit-forge")
ADDRESS = "http://127.0.0.1:8000"
NEW = "a new sentence to know"


async def test_somebody_is_invited_and_the_link_works(environment: dict[str, str]) -> None:
    await make_shop()

    words = (
        "staff",
        "invite",
        "bob@shop.example",
        *SHOP,
        "--role",
        "support",
        "--from",
        "Mo Forge",
    )
    done = await run(environment, *words)

    assert done.returncode == 0, done.stderr
    assert (await Invitation.get()).role is Role.SUPPORT
    link = done.stdout.splitlines()[-1]
    async with Site(public_url=ADDRESS).browser() as browser:
        assert "Mo Forge invites you" in (await browser.open(link)).text
    assert (await AuditEntry.get(action="staff.invite")).actor == "cli"


async def test_a_reset_link_sets_a_new_password(environment: dict[str, str]) -> None:
    shop = await make_shop()
    await make_person("owner@moonlit-forge.example.com")
    await with_token(shop)

    done = await run(environment, "staff", "reset-link", "owner@moonlit-forge.example.com", *SHOP)

    assert done.returncode == 0, done.stderr
    async with Site(public_url=ADDRESS).browser() as browser:
        await browser.open(done.stdout.strip())
        answer = await browser.send("/reset-password", password=NEW, repeat=NEW)
        assert answer.location == "/sign-in?done=password_reset"
    entry = await AuditEntry.get(action="staff.resetLink")
    assert entry.subject_id == (await StaffMember.get()).id


async def test_lost_second_factors_are_removed(environment: dict[str, str]) -> None:
    shop = await make_shop()
    ada = await make_person("owner@moonlit-forge.example.com")
    await with_token(shop)
    clock = ManualClock(now())
    with use_clock(clock):
        await set_up_app(ada, clock)
    async with Site().browser() as browser:
        answer = await sign_in(browser, email="owner@moonlit-forge.example.com")
        assert answer.location.startswith("/sign-in/verify")

        words = ("staff", "reset-second-factor", "owner@moonlit-forge.example.com", *SHOP)
        done = await run(environment, *words)

        assert done.returncode == 0, done.stderr
        assert (await Account.get(id=ada)).totp_secret is None
        assert await RecoveryCode.all().count() == 0
        # The session that waited for the factor is no way in, the password is.
        assert (await browser.open("/account")).location.startswith("/sign-in")
        answer = await sign_in(browser, email="owner@moonlit-forge.example.com", password=PASSWORD)
        assert answer.location == "/"


async def test_somebody_of_another_house_is_not_found(environment: dict[str, str]) -> None:
    await make_shop()
    other = await make_shop("second-forge")
    await with_token(other, email="eve@second-forge.example.com")

    for command in ("reset-link", "reset-second-factor", "unlink"):
        done = await run(environment, "staff", command, "eve@second-forge.example.com", *SHOP)
        assert (done.returncode, done.stdout) == (1, "")
        assert "not found" in done.stderr
