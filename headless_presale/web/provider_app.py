"""Authlib's client of the outside OpenID Connect provider at which staff sign in."""

import warnings

import authlib.deprecate

from headless_presale.identity.oidc import CheckedMetadata

with warnings.catch_warnings():
    # Authlib would rather have httpx2, takes httpx all the same, and says so at every start.
    warnings.simplefilter("ignore", authlib.deprecate.AuthlibDeprecationWarning)
    from authlib.integrations.starlette_client import OAuth, StarletteOAuth2App

TIMEOUT_SECONDS = 10.0


class ProviderApp(CheckedMetadata, StarletteOAuth2App):  # type: ignore[misc]
    """Authlib's client, which takes the provider at its word only where the settings allow it."""


def make_app(issuer: str, client_id: str, client_secret: str | None, scopes: str) -> ProviderApp:
    """Return a client; what the provider says about itself it asks when it needs to."""
    app: ProviderApp = OAuth().register(
        "provider",
        client_cls=ProviderApp,
        client_id=client_id,
        client_secret=client_secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": scopes,
            "code_challenge_method": "S256",
            "timeout": TIMEOUT_SECONDS,
            "token_endpoint_auth_method": "client_secret_basic" if client_secret else "none",
        },
    )
    app.issuer = issuer
    return app
