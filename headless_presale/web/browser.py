"""The browser of a request: who is signed in there, and whether a form came from a page of ours.

For every page that needs somebody: ``current_session``, else ``sign_in_redirect``; a form carries
``csrf_token`` in its field ``csrf`` and begins with ``require_csrf``; ``page`` renders.
"""

import base64
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from headless_presale.identity.sessions import Session, find_session
from headless_presale.kernel.vault import derive_key
from headless_presale.web.cookies import (
    clear_session_cookie,
    read_cookie,
    session_cookie_value,
    set_session_cookie,
    settings_of,
)
from headless_presale.web.errors import CsrfRefused
from headless_presale.web.rendering import page

__all__ = [
    "address",
    "any_session",
    "clear_session_cookie",
    "csrf_token",
    "current_session",
    "go_on",
    "page",
    "pending_session",
    "read_form",
    "require_csrf",
    "safe_next",
    "see",
    "session_cookie_value",
    "set_session_cookie",
    "settings_of",
    "sign_in_redirect",
    "user_agent_of",
]

HOME = "/"
SIGN_IN = "/sign-in"
MAX_NEXT_LENGTH = 4_000
MAX_FORM_FIELDS = 40


async def current_session(request: Request) -> Session | None:
    """Return the session of somebody who is signed in, with every factor shown."""
    session = await any_session(request)
    return session if session is not None and session.is_complete else None


async def pending_session(request: Request) -> Session | None:
    """Return the session of somebody who has shown the first factor and not the second."""
    session = await any_session(request)
    return session if session is not None and not session.is_complete else None


async def any_session(request: Request) -> Session | None:
    """Return the session of this browser, complete or not: what its forms are bound to."""
    value = session_cookie_value(request)
    if not value:
        return None
    if not hasattr(request.state, "browser_session"):
        request.state.browser_session = await find_session(value)
    found: Session | None = request.state.browser_session
    return found


def address(path: str, **query: str) -> str:
    """Return the address of a page of ours with those parameters that have a value."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def see(path: str, **query: str) -> Response:
    """Send the browser to a page after a form: a reload does not send the form again."""
    return RedirectResponse(
        address(path, **query), status_code=303, headers={"Cache-Control": "no-store"}
    )


def sign_in_redirect(request: Request) -> Response:
    """Send somebody to sign in, and back to this page afterwards."""
    if request.method not in ("GET", "HEAD"):
        return see(SIGN_IN)
    here = urlsplit(str(request.url))
    return see(SIGN_IN, next=here.path + (f"?{here.query}" if here.query else ""))


def safe_next(target: str | None) -> str:
    """Return where to go after signing in: a path of this site, or home.

    ``//other.example``, ``/\\other.example`` and what browsers make of tabs and line breaks in
    between lead elsewhere and are not taken.
    """
    if not target or len(target) > MAX_NEXT_LENGTH or not target.startswith("/"):
        return HOME
    if target.startswith("//") or "\\" in target or not target.isascii():
        return HOME
    if any(char <= " " or char == "\x7f" for char in target):
        return HOME
    try:
        parts = urlsplit(target)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else target


def go_on(request: Request, target: str) -> Response:
    """Send a browser on to a page of ours after a form.

    A policy's ``form-action`` also binds where a form's answer redirects to, through all of its
    redirects, and an authorization ends at another site. So it gets a page that goes on by itself:
    what a page does is no form's redirect any more.
    """
    if urlsplit(target).path.startswith("/oauth/"):
        return page(request, "continue.html", target=target)
    return see(target)


def csrf_token(request: Request, session: Session | None) -> str:
    """Return what a form of this browser carries in its field ``csrf``.

    Bound to the session; before there is one, to a random cookie that :func:`page` sets: signing
    somebody in as somebody else is an attack too.
    """
    return _sign(f"session:{session.id}" if session is not None else f"visitor:{_visitor(request)}")


async def require_csrf(request: Request, session: Session | None) -> None:
    """Refuse a form that no page of ours has sent.

    Raises:
        CsrfRefused: the token is missing, or of another session or browser; or the browser says
            that the form came from another site.
    """
    origin = request.headers.get("sec-fetch-site", "same-origin")
    given = (await read_form(request)).get("csrf", "")
    has_visitor = session is not None or bool(read_cookie(request, "visitor"))
    matches = hmac.compare_digest(
        csrf_token(request, session).encode(), given.encode(errors="replace")
    )
    if not (matches and has_visitor) or origin not in ("same-origin", "none"):
        raise CsrfRefused


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the form's fields that are texts; of one sent twice, the last."""
    form: FormData = await request.form(max_files=0, max_fields=MAX_FORM_FIELDS)
    return {
        name: value.replace("\x00", "") for name, value in form.items() if isinstance(value, str)
    }


def user_agent_of(request: Request) -> str:
    """Return what the browser calls itself, as it may be stored and shown."""
    return "".join(char for char in request.headers.get("user-agent", "") if char.isprintable())


def _visitor(request: Request) -> str:
    """Return the random value of a browser that is not signed in; a new one is set by the page."""
    value = read_cookie(request, "visitor")
    if not value:
        value = getattr(request.state, "new_visitor", "") or secrets.token_urlsafe(24)
        request.state.new_visitor = value
    return value


def _sign(subject: str) -> str:
    digest = hmac.digest(derive_key("csrf"), subject.encode(errors="replace"), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
