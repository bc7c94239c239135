"""``/account/applications``: what a person has let in, each with a button that ends it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from headless_presale.identity.accounts import get_account
from headless_presale.identity.oauth.applications import end_application, list_applications
from headless_presale.identity.scopes import Scope
from headless_presale.web.account import uuid_or_none
from headless_presale.web.browser import (
    SIGN_IN,
    csrf_token,
    current_session,
    page,
    read_form,
    require_csrf,
    see,
    sign_in_redirect,
)

APPLICATIONS = "/account/applications"
END = APPLICATIONS + "/end"


async def show_applications(request: Request) -> Response:
    """List the applications."""
    session = await current_session(request)
    if session is None:
        return sign_in_redirect(request)
    return page(
        request,
        "applications.html",
        csrf=csrf_token(request, session),
        email=(await get_account(session.account_id)).email,
        applications=await list_applications(session.account_id),
        scopes=list(Scope),
        is_done=request.query_params.get("done") == "1",
    )


async def end(request: Request) -> Response:
    """End what one of them was allowed."""
    session = await current_session(request)
    if session is None:
        return see(SIGN_IN, next=APPLICATIONS)
    await require_csrf(request, session)
    form = await read_form(request)
    client_id = uuid_or_none(form.get("client", ""))
    merchant_id = uuid_or_none(form.get("merchant", ""))
    if client_id is None or merchant_id is None:
        return see(APPLICATIONS)
    account = await get_account(session.account_id)
    was_there = await end_application(account.id, client_id, merchant_id, label=account.email)
    return see(APPLICATIONS, done="1" if was_there else "")


async def back(request: Request) -> Response:
    """Lead from the address of the form back to its page."""
    return see(APPLICATIONS)


ROUTES: tuple[BaseRoute, ...] = (
    Route(APPLICATIONS, show_applications, methods=["GET"]),
    Route(END, back, methods=["GET"]),
    Route(END, end, methods=["POST"]),
)
