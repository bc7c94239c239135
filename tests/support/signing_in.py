"""What people do on the pages to sign in."""

from tests.support.accounts import PASSWORD
from tests.support.pages import Browser, Page

SESSION = "presale_session"


async def sign_in(
    browser: Browser, *, email: str = "ada@shop.example", password: str = PASSWORD, next: str = ""
) -> Page:
    """Open the page, fill in its form and send it."""
    await browser.open(f"/sign-in?next={next}" if next else "/sign-in")
    return await browser.send("/sign-in", email=email, password=password)


def session_of(browser: Browser) -> str:
    """Return the value of the browser's session cookie; empty if it has none."""
    return browser.cookies.get(SESSION) or ""
