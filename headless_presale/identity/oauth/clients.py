"""The applications as the authorization server knows them; one of them is ours."""

import hmac
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from headless_presale.identity.bearer import issuer
from headless_presale.identity.models import OAuthClient
from headless_presale.identity.scopes import ALL_SCOPES, Scope, known_scopes
from headless_presale.kernel import clock
from headless_presale.kernel.ids import hash_secret
from headless_presale.kernel.unit_of_work import UnitOfWork

ADMIN_CLIENT = uuid5(UUID("6f1c1b1e-5d0a-5f55-9d0e-3b6f0f2c7a11"), "admin")
"""The admin of this installation: public, of no merchant, allowed what its user is allowed."""
ADMIN_PATH = "/admin/"
LOOPBACK = frozenset({"127.0.0.1", "::1"})
"""Not ``localhost``: what that name leads to is for the machine to say (RFC 8252, 8.3)."""


async def find_client(work: UnitOfWork, client_id: str | None) -> OAuthClient | None:
    """Return the client of an id unless it is turned off; anything may be asked."""
    try:
        key = UUID(client_id or "")
    except ValueError:
        return None
    if str(key) != client_id:
        return None
    client = await OAuthClient.get_or_none(id=key)
    if key == ADMIN_CLIENT:
        client = await _as_this_code_wants_it(work, client)
    return client if client is not None and client.disabled_at is None else None


async def _as_this_code_wants_it(work: UnitOfWork, stored: OAuthClient | None) -> OAuthClient:
    """Return our own client as this code and this address want it, written only if it differs.

    An upsert locks its row also where it changes nothing: everybody's admin would wait for
    everybody else's.
    """
    redirect_uris, scopes = [issuer() + ADMIN_PATH], sorted(ALL_SCOPES)
    if stored is not None and (stored.redirect_uris, stored.scopes) == (redirect_uris, scopes):
        return stored
    await work.execute(
        "INSERT INTO oauth_client (id, name, redirect_uris, grant_types, scopes, created_at, "
        "version) VALUES ($1, 'Admin', $2, $3, $4, $5, 1) "
        "ON CONFLICT (id) DO UPDATE SET redirect_uris = excluded.redirect_uris, "
        "scopes = excluded.scopes",
        ADMIN_CLIENT,
        redirect_uris,
        ["authorization_code", "refresh_token"],
        scopes,
        clock.now(),
    )
    return await OAuthClient.get(id=ADMIN_CLIENT)


def is_first_party(client: OAuthClient) -> bool:
    """Tell whether an application is ours: nobody is asked whether it may."""
    return client.id == ADMIN_CLIENT


def is_public(client: OAuthClient) -> bool:
    """Tell whether it keeps no secret: who it is shows only by where its codes are sent."""
    return client.secret_hash is None


def scopes_of_client(client: OAuthClient) -> frozenset[Scope]:
    """Return the most it may be granted."""
    return known_scopes(client.scopes)


def knows_secret(client: OAuthClient, secret: str) -> bool:
    """Tell whether a secret is the client's; the one before a rotation is, for its time."""
    given = hash_secret(secret)
    is_right = client.secret_hash is not None and hmac.compare_digest(client.secret_hash, given)
    expires_at = client.previous_secret_expires_at
    if client.previous_secret_hash is None or expires_at is None or expires_at <= clock.now():
        return is_right
    return hmac.compare_digest(client.previous_secret_hash, given) or is_right


def is_registered(client: OAuthClient, uri: str) -> bool:
    """Tell whether codes may be sent to an address: it is one of the client's, to the letter.

    A program on the user's machine takes the port that it gets: of an ``http`` address at a
    loopback IP the port may differ (RFC 8252, 7.3).
    """
    if uri in client.redirect_uris:
        return True
    asked = _without_port(uri)
    return asked is not None and any(
        asked == _without_port(registered) for registered in client.redirect_uris
    )


def _without_port(uri: str) -> str | None:
    """Return a loopback address without its port, to the letter otherwise; None for any other."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or host not in LOOPBACK or port == 0:
        return None
    bracketed = f"[{host}]" if ":" in host else host
    if parts.netloc not in (bracketed, f"{bracketed}:{port}") or not uri.startswith("http://"):
        return None
    rest = uri.removeprefix("http://" + parts.netloc)
    # "/cb" and "//cb", "?" and nothing: only what follows the port literally counts.
    return f"http://{bracketed}{rest}"


def is_loopback(uri: str) -> bool:
    """Tell whether an address is on the user's own machine, where anything may listen."""
    return not uri.startswith("https://")
