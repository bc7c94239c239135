"""Signing in as people do it: in a real Chromium, over real HTTP, against a process of its own."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from headless_presale.identity import Role, add_member
from headless_presale.identity.models import Account, OAuthGrant, SignInSession
from headless_presale.web.admin import DIST
from tests.support.accounts import PASSWORD, make_person
from tests.support.browser import drive, needs_browser
from tests.support.processes import ApiProcess, free_port, until_ready
from tests.support.shop import make_shop
from tools.build_admin import build_admin

pytestmark = [pytest.mark.usefixtures("database", "redis"), needs_browser]

EMAIL = "ada@shop.example"


@pytest.fixture
async def place(
    database: str, worker_database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[SimpleNamespace]:
    """Run the product under a name, as passkeys need it, with somebody who may sign in."""
    if not DIST.is_dir():
        build_admin()
    shop = await make_shop()
    await add_member(shop.merchant_id, await make_person(EMAIL), Role.MANAGER)
    port = free_port()
    url = f"http://localhost:{port}"
    environment = {"PORT": str(port), "PRESALE_PUBLIC_URL": url}
    with ApiProcess(worker_database_url, redis_url, tmp_path, environment) as api:
        await until_ready(f"http://127.0.0.1:{port}/readyz", api)
        yield SimpleNamespace(url=url, email=EMAIL, password=PASSWORD)


async def test_password_app_passkey_admin_and_out(place: SimpleNamespace) -> None:
    said = await drive("sign_in.mjs", **vars(place))

    assert said["wrong"] == "The e-mail address or the password is wrong."
    assert said["address"] == f"{place.url}/admin/"
    for words in ("Manager of Moonlit Forge", "Hello, Ada", EMAIL, "moonlit-forge", "Campaigns"):
        assert words in said["admin"]
    assert "Refund" not in said["admin"]
    assert said["exchanged"] == ["refresh_token"]
    assert said["passed"] == ["/admin/"]
    assert "belong to no merchant's staff" in said["refused"]
    assert said["refusedStays"]
    assert (said["out"], said["button"]) == ("/admin/", 1)
    assert said["codes"] == 10
    assert "This laptop" in said["account"]
    assert said["afterwards"] == "/sign-in"
    assert "wrong or was used already" in said["wrongCode"]
    assert EMAIL in said["byCode"]
    assert EMAIL in said["byPasskey"]
    # Signing out in the admin ended what it was allowed.
    assert await OAuthGrant.filter(revoked_at=None).count() == 0
    newest = await SignInSession.all().order_by("-id").first()
    assert newest is not None
    assert newest.factors == ["pwd", "hwk"]
    assert (await Account.get(email=EMAIL)).totp_confirmed_at is not None


async def test_without_scripts_on_a_phone_in_chinese(place: SimpleNamespace) -> None:
    said = await drive("without_script.mjs", **vars(place))

    assert "我的账号" in said["account"]
    assert said["wide"] <= 390
    assert said["end"] == "您已退出登录"


async def test_no_page_is_shown_in_a_foreign_frame(place: SimpleNamespace) -> None:
    paths = ["/sign-in", "/sign-out", "/forgot-password", "/account", "/admin/"]

    seen = await drive("framed.mjs", url=place.url, paths=paths)

    # The last frame holds the first page again, without the headers that keep it out of frames.
    assert seen[:-1] == [0] * len(paths)
    assert seen[-1] == 2
