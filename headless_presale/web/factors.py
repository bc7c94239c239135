"""Pages to set up and remove second factors. All of them need a fresh sign-in."""

from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from headless_presale.identity.errors import FactorRefused
from headless_presale.identity.passkeys import (
    begin_registration,
    register_passkey,
    remove_passkey,
)
from headless_presale.identity.sessions import Session, set_challenge, take_challenge
from headless_presale.identity.totp import begin_totp, confirm_totp, remove_totp
from headless_presale.kernel.later import later
from headless_presale.web.account import ACCOUNT, show_codes, uuid_or_none
from headless_presale.web.browser import (
    current_session,
    read_form,
    require_csrf,
    see,
    settings_of,
    sign_in_redirect,
)
from headless_presale.web.people import (
    PRODUCT,
    form_page,
    fresh_or_refused,
    relying_party,
    require_built_in_sign_in,
)

if TYPE_CHECKING:
    import segno
else:
    segno = later("segno")


async def authenticator(request: Request) -> Response:
    """Set up an authenticator app: scan, then show one code of it."""
    session = await _fresh_session(request)
    if isinstance(session, Response):
        return session
    is_refused = False
    if request.method == "POST":
        code = (await read_form(request)).get("code", "")
        try:
            codes = await confirm_totp(session.account_id, code)
        except FactorRefused:
            is_refused = True
        else:
            return show_codes(request, codes) if codes else see(ACCOUNT, done="totp_added")
    try:
        enrolment = await begin_totp(session.account_id, issuer=PRODUCT)
    except FactorRefused:
        return see(ACCOUNT)
    picture = segno.make(enrolment.address, error="m").svg_inline(border=0, omitsize=True)
    groups = [enrolment.secret[at : at + 4] for at in range(0, len(enrolment.secret), 4)]
    return form_page(
        request,
        session,
        "authenticator.html",
        is_wrong=is_refused,
        # Made of the address alone, by segno.
        picture=Markup(picture),
        address=enrolment.address,
        secret=" ".join(groups),
        is_refused=is_refused,
    )


async def drop_authenticator(request: Request) -> Response:
    """Turn the app off."""
    session = await _fresh_session(request)
    if isinstance(session, Response):
        return session
    await remove_totp(session.account_id)
    return see(ACCOUNT, done="totp_removed")


async def new_passkey(request: Request) -> Response:
    """Add a passkey: the browser asks for it, the form brings the answer."""
    session = await _fresh_session(request)
    if isinstance(session, Response):
        return session
    party = relying_party(settings_of(request))
    if party is None:
        return see(ACCOUNT)
    is_refused, name = False, ""
    if request.method == "POST":
        form = await read_form(request)
        name, challenge = form.get("name", ""), await take_challenge(session.id)
        try:
            if challenge is None:
                raise FactorRefused("no ceremony is under way")
            codes = await register_passkey(
                session.account_id,
                party,
                challenge=challenge,
                response=form.get("code", ""),
                name=name,
            )
        except FactorRefused:
            is_refused = True
        else:
            return show_codes(request, codes) if codes else see(ACCOUNT, done="passkey_added")
    ceremony = await begin_registration(session.account_id, party)
    await set_challenge(session.id, ceremony.challenge)
    return form_page(
        request,
        session,
        "passkey.html",
        is_wrong=is_refused,
        options=ceremony.options,
        name=name[:120],
        is_refused=is_refused,
    )


async def drop_passkey(request: Request) -> Response:
    """Forget a passkey."""
    session = await _fresh_session(request)
    if isinstance(session, Response):
        return session
    passkey_id = uuid_or_none((await read_form(request)).get("id", ""))
    if passkey_id is None:
        return see(ACCOUNT)
    await remove_passkey(session.account_id, passkey_id)
    return see(ACCOUNT, done="passkey_removed")


async def _fresh_session(request: Request) -> Session | Response:
    """Return the session of somebody who has signed in just now; else the way there.

    Raises:
        CsrfRefused: a form came from elsewhere.
    """
    require_built_in_sign_in(request)
    session = await current_session(request)
    if session is None:
        return sign_in_redirect(request)
    if request.method == "POST":
        await require_csrf(request, session)
    return fresh_or_refused(session) or session
