"""Cookies: one way to set them, so that none is set carelessly."""

from starlette.requests import Request
from starlette.responses import Response

from headless_presale.settings import Settings


def settings_of(request: Request) -> Settings:
    """Return the settings of the process."""
    settings: Settings = request.scope["state"]["runtime"].settings
    return settings


def is_https(settings: Settings) -> bool:
    """Tell whether people reach us over TLS."""
    return settings.base_url.startswith("https://")


def cookie_name(settings: Settings, name: str) -> str:
    """Return a cookie's full name. ``__Host-`` keeps other hosts of the domain from setting it."""
    return f"__Host-presale_{name}" if is_https(settings) else f"presale_{name}"


def set_cookie(
    response: Response, settings: Settings, name: str, value: str, *, max_age: int | None = None
) -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not bring along."""
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=max_age,
        path="/",
        secure=is_https(settings),
        httponly=True,
        samesite="lax",
    )


def read_cookie(request: Request, name: str) -> str:
    """Return a cookie's value; empty if it is not there."""
    return request.cookies.get(cookie_name(settings_of(request), name), "")


def set_session_cookie(response: Response, settings: Settings, value: str) -> None:
    """Give the browser its session; it ends with the browser or with the session itself."""
    set_cookie(response, settings, "session", value)


def clear_session_cookie(response: Response, settings: Settings) -> None:
    """Take the session away."""
    response.delete_cookie(
        cookie_name(settings, "session"),
        path="/",
        secure=is_https(settings),
        httponly=True,
        samesite="lax",
    )


def session_cookie_value(request: Request) -> str:
    """Return the value of the session's cookie; empty if there is none."""
    return read_cookie(request, "session")
