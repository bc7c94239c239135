"""The hosted page where a person pays, lets the card be declined, or leaves."""

import base64
import hmac
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headless_presale.sandbox_gateway import intents, timestamps
from headless_presale.sandbox_gateway.currencies import format_amount
from headless_presale.sandbox_gateway.database import Transaction
from headless_presale.sandbox_gateway.errors import GatewayError
from headless_presale.sandbox_gateway.gateway import get_gateway
from headless_presale.sandbox_gateway.reading import read_bytes
from headless_presale.sandbox_gateway.texts import TEXTS, choose_language

ACTIONS: Final = ("pay", "fail", "abandon")
NOTICES: Final = ("abandoned", "stale")

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A form sent from the page; ``attempt`` is the number of attempts the page had seen."""

    action: str
    attempt: int
    token: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where to send the browser: to the shop, or back to the page with a notice."""

    row: sqlite3.Row
    notice: Literal["abandoned", "stale"] | None = None


async def show_page(request: Request) -> Response:
    intent_id = request.path_params["id"]

    def read(tx: Transaction) -> tuple[sqlite3.Row, str]:
        row = intents.get_intent(tx, intent_id)
        return row, _form_token(tx, intent_id, row["attempts"])

    row, token = await get_gateway(request).database.run(read)
    language = _language(request)
    notice = request.query_params.get("notice")
    state = _state(row)
    if notice in NOTICES and intents.is_payable(row):
        state = notice
    expires_at = row["expires_at"]
    return render_page(
        language,
        "payment.html",
        form_target=_origin(row["return_url"]),
        state=state,
        payable=intents.is_payable(row),
        amount=format_amount(row["amount_minor"], row["currency"], language),
        description=row["description"],
        reference=row["reference"],
        expires_at=expires_at and f"{timestamps.from_text(expires_at):%Y-%m-%d %H:%M:%S} UTC",
        return_url=row["return_url"] and _return_address(row),
        attempt=row["attempts"],
        token=token,
    )


async def submit_page(request: Request) -> Response:
    """Do what was chosen, once: the same form sent again only repeats its redirect."""
    form = await _read_form(request)
    intent_id = request.path_params["id"]
    outcome = await get_gateway(request).database.run(lambda tx: _submit(tx, intent_id, form))
    if outcome.row["return_url"] is not None and outcome.notice != "stale":
        return RedirectResponse(_return_address(outcome.row), status_code=303)
    query = {"lang": _language(request)} | ({"notice": outcome.notice} if outcome.notice else {})
    # Relative to this very address, so that a proxy in front may serve it anywhere.
    return RedirectResponse(f"{outcome.row['id']}?{urlencode(query)}", status_code=303)


def render_page(
    language: str,
    template: str,
    *,
    status: int = 200,
    form_target: str | None = None,
    **values: Any,
) -> Response:
    """Return a page that may load nothing, run nothing, and not be framed.

    Args:
        form_target: Origin a submitted form may be redirected to; browsers hold ``form-action``
            against redirects as well.
    """
    nonce = secrets.token_urlsafe(16)
    text = templates.get_template(template).render(
        language=language, t=TEXTS[language], nonce=nonce, **values
    )
    targets = "'self'" if form_target is None else f"'self' {form_target}"
    headers = {
        "content-security-policy": (
            f"default-src 'none'; style-src 'nonce-{nonce}'; form-action {targets};"
            " base-uri 'none'; frame-ancestors 'none'"
        ),
        "cache-control": "no-store",
        "content-language": language,
        "referrer-policy": "no-referrer",
        "vary": "Accept-Language",
        "x-content-type-options": "nosniff",
    }
    return Response(text, status, headers=headers, media_type="text/html")


def render_error(request: Request, status: int) -> Response:
    """Return a page for people instead of the API's JSON."""
    state = {403: "forbidden", 404: "not_found"}.get(
        status, "bad_request" if status < 500 else "unavailable"
    )
    return render_page(_language(request), "message.html", status=status, state=state)


def _submit(tx: Transaction, intent_id: str, form: Submitted) -> Outcome:
    row = intents.get_intent(tx, intent_id)
    if not hmac.compare_digest(form.token, _form_token(tx, intent_id, form.attempt)):
        raise GatewayError(403, "forbidden", "The form is not one of this page.", field="token")
    if form.action == "abandon":
        return Outcome(row, notice="abandoned" if intents.is_payable(row) else None)
    earlier = tx.find(
        "SELECT action FROM payment_attempt WHERE payment_intent_id = ? AND number = ?",
        intent_id,
        form.attempt,
    )
    if earlier is not None and earlier["action"] != form.action and intents.is_payable(row):
        # Back to an old page after a declined card, then another button: not a double click.
        return Outcome(row, notice="stale")
    if earlier is None and intents.is_payable(row):
        if form.action == "pay":
            intents.pay_intent(tx, intent_id)
        else:
            intents.decline_intent(tx, intent_id, "card_declined")
    return Outcome(intents.get_intent(tx, intent_id))


async def _read_form(request: Request) -> Submitted:
    """Raises:
    GatewayError: ``body_too_large``, ``unsupported_media_type``, ``invalid_form``.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise GatewayError(415, "unsupported_media_type", "Send a form.")
    body = await read_bytes(request)
    try:
        fields = parse_qs(body.decode("ascii"), errors="strict", max_num_fields=10)
        action, attempt, token = (fields[name][0] for name in ("action", "attempt", "token"))
        if action not in ACTIONS or not token.isascii() or not attempt.isdecimal():
            raise ValueError(action)
        return Submitted(action, int(attempt[:9]), token)
    except (ValueError, KeyError):
        raise GatewayError(422, "invalid_form", "The form is not one of this page.") from None


def _form_token(tx: Transaction, intent_id: str, attempt: int) -> str:
    """Return what only this page's own forms know; it binds the intent and its state."""
    secret = tx.find("SELECT value FROM setting WHERE name = 'page_secret'")
    if secret is None:
        raise RuntimeError("the data file has no page secret")
    content = f"{intent_id}:{attempt}".encode()
    digest = hmac.digest(bytes.fromhex(secret["value"]), content, "sha256")
    return base64.urlsafe_b64encode(digest).decode()


def _state(row: sqlite3.Row) -> str:
    return "expired" if row["cancellation_reason"] == "expired" else str(row["status"])


def _language(request: Request) -> str:
    return choose_language(
        request.query_params.get("lang"), request.headers.get("accept-language", "")
    )


def _return_address(row: sqlite3.Row) -> str:
    """Return the shop's address with ``payment_intent`` and ``status`` added to its query."""
    address = urlsplit(str(row["return_url"]))
    own = {"payment_intent": row["id"], "status": row["status"]}
    theirs = [
        pair for pair in parse_qsl(address.query, keep_blank_values=True) if pair[0] not in own
    ]
    return urlunsplit(address._replace(query=urlencode([*theirs, *own.items()])))


def _origin(url: str | None) -> str | None:
    if url is None:
        return None
    address = urlsplit(url)
    # User and password have no place in a policy.
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"


PAGE_ROUTES = [
    Route("/pay/{id}", show_page, methods=["GET"]),
    Route("/pay/{id}", submit_page, methods=["POST"]),
]
