"""The admin's files: what a page that holds tokens may do, and how new versions reach browsers."""

import pytest

from headless_presale.web.admin import DIST
from tests.support.pages import Site
from tools.build_admin import build_admin

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def site() -> Site:
    if not DIST.is_dir():
        build_admin()
    return Site()


@pytest.mark.parametrize("path", ["/admin/", "/admin/admin.js", "/admin/session.js"])
async def test_it_runs_and_reaches_nothing_but_what_is_ours(site: Site, path: str) -> None:
    async with site.browser() as browser:
        answer = (await browser.open(path)).response

    assert answer.status_code == 200
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_browsers_ask_for_a_new_version_each_time(site: Site) -> None:
    async with site.browser() as browser:
        first = (await browser.open("/admin/admin.js")).response
        etag = first.headers["etag"]
        again = await browser.client.get("/admin/admin.js", headers={"if-none-match": etag})

    assert first.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    assert (await _status(site, "/admin/../app.py")) == 404
    assert (await _status(site, "/admin/nothing.js")) == 404


async def _status(site: Site, path: str) -> int:
    async with site.browser() as browser:
        return (await browser.open(path)).status
