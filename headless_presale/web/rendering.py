"""Rendering: templates, texts in the reader's language, and headers that give pages no power.

A page loads our style and our script, nothing else; it runs nothing inline, is framed nowhere,
kept nowhere, and its forms come back to us. What every answer carries, pages included, is in
``middleware``.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from headless_presale.kernel.later import later
from headless_presale.kernel.locales import SUPPORTED_LOCALES, negotiate
from headless_presale.web.assets import asset_address
from headless_presale.web.cookies import set_cookie, settings_of
from headless_presale.web.formats import format_moment
from headless_presale.web.texts import say

if TYPE_CHECKING:
    import jinja2
else:
    jinja2 = later("jinja2")

LANGUAGES = {"en": "English", "zh-CN": "中文"}
LANGUAGE_COOKIE = "presale_language"
_LANGUAGE_SECONDS = 365 * 86_400
_VISITOR_SECONDS = 86_400

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """Return a page.

    Args:
        values: what the template names, besides ``t(key, ...)`` (a text), ``locale``, ``time``
            (a filter) and the addresses of the layout.
    """
    locale = page_locale(request)
    text = (
        _environment(locale)
        .get_template(template)
        .render(
            languages=[
                (name, tag, _with_language(request, tag), tag == locale)
                for tag, name in LANGUAGES.items()
            ],
            **values,
        )
    )
    response = Response(
        text,
        status,
        headers={
            **HEADERS,
            "Content-Language": locale,
            **(headers or {}),
        },
        media_type="text/html",
    )
    settings = settings_of(request)
    if visitor := getattr(request.state, "new_visitor", ""):
        set_cookie(response, settings, "visitor", visitor, max_age=_VISITOR_SECONDS)
    if request.query_params.get("lang") == locale:
        response.set_cookie(
            LANGUAGE_COOKIE,
            locale,
            max_age=_LANGUAGE_SECONDS,
            secure=settings.base_url.startswith("https://"),
            httponly=True,
            samesite="lax",
        )
    return response


def page_locale(request: Request) -> str:
    """Return the page's language: chosen just now, chosen before, or what the browser prefers."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if chosen in SUPPORTED_LOCALES:
            return chosen
    return negotiate(request.headers.get("accept-language", ""))


def _with_language(request: Request, tag: str) -> str:
    """Return this page's address in another language."""
    here = urlsplit(str(request.url))
    query = [(key, value) for key, value in parse_qsl(here.query) if key != "lang"]
    return f"{here.path}?{urlencode([*query, ('lang', tag)])}"


@cache
def _environment(locale: str) -> "jinja2.Environment":
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("headless_presale.web", "templates"),
        autoescape=jinja2.select_autoescape(("html",), default=True),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def t(key: str, **params: object) -> str:
        return say(key, locale, **params)

    environment.globals |= {"t": t, "locale": locale, "asset": asset_address}
    environment.filters["time"] = lambda at: format_moment(at, locale)
    return environment
