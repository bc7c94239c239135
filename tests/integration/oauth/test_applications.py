"""What a person has let in: listed, and ended for good."""

import asyncpg
import httpx

from headless_presale.identity import OAuthGrant, revoke_grant
from headless_presale.identity.models import OAuthConsent
from headless_presale.kernel.audit_log import AuditEntry
from tests.conftest import ISSUER
from tests.support.oauth import App, Person, admin_app, make_person
from tests.support.pages import Browser, Site
from tests.support.shop import make_shop
from tests.support.state import stored_rows

END = "/account/applications/end"


async def test_a_stranger_signs_in_first(browser: Browser, app: App) -> None:
    page = await browser.open("/account/applications")

    assert page.location == "/sign-in?next=%2Faccount%2Fapplications"
    assert (await browser.post(END)).location.startswith("/sign-in")


async def test_what_was_let_in_is_listed_and_can_be_ended(
    owner: Person, app: App, http: httpx.AsyncClient
) -> None:
    tokens = await owner.tokens(app)
    await owner.tokens(app, scope="catalog:read")
    await owner.tokens(admin_app(http, ISSUER))

    page = await owner.browser.open("/account/applications")
    assert page.text.count("Planner") == 1
    assert "Moonlit Forge, since March 1, 2026 at 12:00 UTC" in page.text
    assert "See orders with buyers' names" in page.text
    assert len(page.forms) == 2

    # When the application is ended (the admin is listed first)
    (form,) = [form for form in page.forms if form.fields["client"] == app.client_id]
    done = await owner.browser.post(END, **form.fields)
    assert done.location == "/account/applications?done=1"

    # Then all of its tokens have ended, it has to ask again, and the admin goes on
    assert (await app.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    page = await owner.browser.follow()
    assert "It has no access any more." in page.text
    assert "Planner" not in page.text
    assert (await owner.browser.open(app.address())).status == 200
    assert await OAuthGrant.filter(revoked_reason="revoked_by_user").count() == 2
    assert await OAuthGrant.filter(revoked_at=None).count() == 1
    entry = await AuditEntry.get(action="grant.revoke")
    assert entry.actor_label == "owner@moonlit-forge.example"
    assert (await owner.browser.post(END, **form.fields)).location == "/account/applications"


async def test_what_somebody_else_let_in_cannot_be_ended(
    site: Site, owner: Person, app: App, database_admin: asyncpg.Connection
) -> None:
    await owner.tokens(app)
    async with site.browser() as browser:
        await make_person(site.settings, browser, await make_shop("other"))
        await browser.open("/account/applications")
        csrf = await _csrf(browser)
        before = await stored_rows(database_admin)

        for client, merchant in (
            (app.client_id, str(owner.shop.merchant_id)),
            ("", ""),
            ("x", "y"),
        ):
            answer = await browser.post(END, csrf=csrf, client=client, merchant=merchant)
            assert answer.location == "/account/applications"

        assert await stored_rows(database_admin) == before


async def _csrf(browser: Browser) -> str:
    page = await browser.open("/sign-out")
    return page.form("/sign-out").fields["csrf"]


async def test_a_form_of_another_site_ends_nothing(owner: Person, app: App) -> None:
    await owner.tokens(app)

    answer = await owner.browser.post(
        END, client=app.client_id, merchant=str(owner.shop.merchant_id)
    )

    assert answer.status == 403
    assert await OAuthGrant.filter(revoked_at=None).count() == 1


async def test_what_the_merchant_ends_has_to_be_asked_for_again(owner: Person, app: App) -> None:
    await owner.tokens(app)
    grant = await OAuthGrant.get()

    await revoke_grant(owner.shop.merchant_id, grant.id)

    assert await OAuthConsent.all().count() == 0
    assert (await owner.browser.open(app.address())).status == 200
