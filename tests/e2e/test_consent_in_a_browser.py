"""Letting an application in, in a real Chromium; and what a foreign frame sees of it."""

from urllib.parse import parse_qs, urlsplit

import pytest

from headless_presale.identity import ClientKind, OAuthGrant
from headless_presale.identity.models import Account
from headless_presale.identity.passwords import hash_password
from tests.support.accounts import PASSWORD
from tests.support.browser import drive, needs_browser
from tests.support.oauth import World, make_app
from tests.support.processes import free_port

pytestmark = [needs_browser, pytest.mark.timeout(300)]


async def email_of(world: World) -> str:
    """Give the owner a password; return the address it goes with."""
    account = await Account.get(id=world.owner.account_id)
    account.password_hash = await hash_password(PASSWORD)
    await account.save()
    return account.email


async def test_an_application_is_let_in_and_ended(world: World) -> None:
    port = free_port()
    app = await make_app(
        world.http,
        world.shop,
        ClientKind.PUBLIC,
        redirect_uri=f"http://127.0.0.1:{port}/callback",
    )

    said = await drive(
        "consent.mjs",
        issuer=world.issuer,
        address=world.issuer + app.address(),
        port=port,
        email=await email_of(world),
        password=PASSWORD,
    )

    assert said["signIn"] == "/sign-in"
    assert "Allow Planner?" in said["asked"]
    assert "See orders with buyers' names and addresses" in said["asked"]
    assert "runs on your own device" in said["asked"]
    no, yes, on_the_phone = [parse_qs(urlsplit(url).query) for url in said["callbacks"]]
    assert no["error"] == ["access_denied"]
    assert yes["state"] == on_the_phone["state"] == ["a-state"]
    assert yes["iss"] == [world.issuer]
    assert "Planner" in said["listed"]
    assert "允许“Planner”访问？" in said["inChinese"]
    assert said["width"] <= 390
    assert "已撤销授权" in said["ended"]
    # Both codes were good until the person ended what they stood for.
    assert (await app.redeem(yes["code"][0])).json()["error"] == "invalid_grant"
    assert await OAuthGrant.filter(revoked_reason="revoked_by_user").count() == 2


@pytest.mark.parametrize(("is_bare", "buttons"), [(False, 0), (True, 2)], ids=["", "control"])
async def test_a_foreign_page_cannot_lay_it_under_its_own_button(
    world: World, is_bare: bool, buttons: int
) -> None:
    app = await make_app(world.http, world.shop)

    seen = await drive(
        "consent_framed.mjs",
        issuer=world.issuer,
        address=world.issuer + app.address(),
        email=await email_of(world),
        password=PASSWORD,
        isBare=is_bare,
    )

    assert seen == buttons
