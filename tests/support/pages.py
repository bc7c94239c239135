"""A browser without scripts: cookies, pages, and the forms on them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, cast
from urllib.parse import urljoin

import httpx
from starlette.types import Receive, Scope, Send

from headless_presale.kernel.live import LiveHub
from headless_presale.runtime import Runtime
from headless_presale.settings import Settings
from tests.conftest import SECRET_KEY
from tests.support.http import make_app

SITE = "http://shop.test"


class Site:
    """The application over what the test's fixtures have opened."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings.model_validate(
            {"secret_key": SECRET_KEY, "public_url": SITE, **settings}
        )
        self.app = make_app(self.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Pages look at the settings only.
        scope["state"] = {"runtime": Runtime(self.settings, cast(LiveHub, None))}
        await self.app(scope, receive, send)

    @asynccontextmanager
    async def browser(
        self, *, language: str = "en", address: str = "192.0.2.1"
    ) -> AsyncIterator["Browser"]:
        """Open a browser at an address, with no cookies."""
        transport = httpx.ASGITransport(app=self, client=(address, 50_000))
        async with httpx.AsyncClient(
            transport=transport,
            base_url=self.settings.base_url,
            headers={"accept": "text/html", "accept-language": language, "user-agent": "Browser/1"},
        ) as client:
            yield Browser(client)


@dataclass
class Form:
    """A form as it stands on a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.ids: dict[str, dict[str, str]] = {}
        self.options = ""
        self._is_inside = False
        self._is_silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids[values["id"]] = values
        if tag == "form":
            self.forms.append(Form(values.get("action", "")))
            self.options = values.get("data-options", self.options)
            self._is_inside = True
        elif tag == "input" and self._is_inside and values.get("name"):
            if values.get("type") not in ("checkbox", "radio") or "checked" in values:
                self.forms[-1].fields[values["name"]] = values.get("value", "")
        elif tag == "a" and "href" in values:
            self.links.append(values["href"])
        self._is_silent = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        self._is_silent = False

    def handle_data(self, data: str) -> None:
        if not self._is_silent and data.strip():
            self.words.append(data.strip())


class Page:
    """An answer, and what is on it."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = response.headers
        self.location = response.headers.get("location", "")
        reader = _Reader()
        reader.feed(response.text)
        self.forms = reader.forms
        self.links = reader.links
        self.ids = reader.ids
        self.options = reader.options
        """What a passkey is asked for on it."""
        self.text = " ".join(reader.words)

    def form(self, action: str) -> Form:
        """Return the form that is sent to an address."""
        found = [form for form in self.forms if form.action.partition("?")[0] == action]
        assert len(found) >= 1, f"no form for {action} among {self.forms}: {self.text}"
        return found[0]


class Browser:
    """Keeps cookies, opens pages, sends their forms; follows no redirect by itself."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.page: Page | None = None

    @property
    def cookies(self) -> httpx.Cookies:
        return self.client.cookies

    async def open(self, path: str, **headers: str) -> Page:
        """Open a page."""
        response = await self.client.get(path, headers=headers)
        self.page = Page(response)
        return self.page

    async def send(self, action: str, **values: str) -> Page:
        """Fill in and send a form of the page that is open."""
        assert self.page is not None
        form = self.page.form(action)
        return await self.post(
            urljoin(str(self.page.response.url), form.action), **{**form.fields, **values}
        )

    async def post(self, path: str, **values: str) -> Page:
        """Send a form that no page has shown."""
        response = await self.client.post(path, data=values)
        self.page = Page(response)
        return self.page

    async def follow(self) -> Page:
        """Go where the last answer redirects to."""
        assert self.page is not None
        assert self.page.location, self.page.text
        return await self.open(self.page.location)
