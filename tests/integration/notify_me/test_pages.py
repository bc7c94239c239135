"""The pages that mails of a list lead to: opening them changes nothing, one click does."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.notify_me import Unsubscribed, confirm_token, unsubscribe_token
from tests.support.pages import Browser, Page, Site
from tests.support.state import stored_rows
from tests.support.waiting import OPENS_IN, ask, scheduled_sale, watcher_of

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Site().browser() as browser:
        yield browser


async def links() -> tuple[str, str]:
    """Put somebody on a list; return the links to confirm and to unsubscribe."""
    await ask(await scheduled_sale())
    row = await watcher_of()
    return (
        f"/notify-me/confirm?token={confirm_token(row.id)}",
        f"/notify-me/unsubscribe?token={unsubscribe_token(row.person)}",
    )


async def click(browser: Browser, link: str, form: dict[str, str]) -> Page:
    """Send a form that no page of ours was opened for, as a mail program does."""
    return Page(await browser.client.post(link, data=form))


async def test_opening_the_pages_changes_nothing(
    browser: Browser, database_admin: asyncpg.Connection
) -> None:
    confirm, leave = await links()
    before = await stored_rows(database_admin)

    pages = [await browser.open(link) for link in (confirm, leave)]

    assert [page.status for page in pages] == [200, 200]
    assert "Do you want a mail when Nebula Fox presale opens at Moonlit Forge?" in pages[0].text
    assert await stored_rows(database_admin) == before


async def test_confirming_by_the_button(browser: Browser, clock: ManualClock) -> None:
    confirm, _ = await links()
    await browser.open(confirm)

    done = await browser.send("/notify-me/confirm")

    assert "Done. We will mail you when Nebula Fox presale opens" in done.text
    assert "It opens" in done.text
    assert (await watcher_of()).confirmed_at == clock.now()
    # Once more, and after the opening.
    assert (await browser.open(confirm)).status == 200
    clock.advance(OPENS_IN)
    assert "is already open at Moonlit Forge." in (await browser.open(confirm)).text
    clock.advance(timedelta(days=7))
    assert "Nebula Fox presale at Moonlit Forge is over." in (await browser.open(confirm)).text


async def test_another_site_cannot_press_the_button(browser: Browser) -> None:
    confirm, _ = await links()

    assert (await click(browser, confirm, {})).status == 403

    assert (await watcher_of()).confirmed_at is None


async def test_one_click_unsubscribes_without_a_cookie_or_a_page(browser: Browser) -> None:
    _, leave = await links()

    for _ in range(2):
        answer = await click(browser, leave, ONE_CLICK)
        assert (answer.status, "You are unsubscribed." in answer.text) == (200, True)

    assert [row.person for row in await Unsubscribed.all()] == [(await watcher_of()).person]


async def test_one_click_as_programs_send_it_in_parts(browser: Browser) -> None:
    _, leave = await links()

    answer = await browser.client.post(leave, files={"List-Unsubscribe": (None, "One-Click")})

    assert answer.status_code == 200
    assert await Unsubscribed.all().count() == 1


async def test_leaving_is_taken_back_by_a_form_of_ours_only(browser: Browser) -> None:
    _, leave = await links()
    await browser.open(leave)
    gone = await browser.send("/notify-me/unsubscribe")
    assert "This shop will not mail you about openings any more." in gone.text
    assert (await click(browser, leave, {"again": "1"})).status == 403
    assert await Unsubscribed.all().count() == 1

    again = await browser.send("/notify-me/unsubscribe")

    assert "You will get mails again about the openings you ask for." in again.text
    assert await Unsubscribed.all().count() == 0


@pytest.mark.parametrize("page", ["confirm", "unsubscribe"])
async def test_a_link_of_nobody_says_so_and_changes_nothing(
    browser: Browser, page: str, database_admin: asyncpg.Connection
) -> None:
    confirm, leave = await links()
    other = confirm if page == "unsubscribe" else leave
    before = await stored_rows(database_admin)

    tokens = ("", "x", other.partition("token=")[2], f"{uuid4().hex}.aaaa", "%00", "a" * 5_000)
    for token in tokens:
        link = f"/notify-me/{page}?token={token}"
        shown = await browser.open(link)
        assert (shown.status, "no longer valid" in shown.text) == (410, True)
        if page == "unsubscribe":
            assert (await click(browser, link, ONE_CLICK)).status == 410

    assert await stored_rows(database_admin) == before


async def test_the_pages_speak_chinese() -> None:
    confirm, leave = await links()
    async with Site().browser(language="zh-CN") as browser:
        assert "Moonlit Forge 的 Nebula Fox presale 开售时" in (await browser.open(confirm)).text
        assert "退订" in (await browser.open(leave)).text
