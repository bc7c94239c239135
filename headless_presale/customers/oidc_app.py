"""Authlib's OpenID Connect client for providers that merchants name: it leads outside alone."""

import warnings
from functools import partial
from typing import Any

import authlib.deprecate

from headless_presale.identity.oidc import CheckedMetadata, ProviderUnusable
from headless_presale.kernel.addresses import read_outward_url
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.guarded_transport import GuardedTransport

with warnings.catch_warnings():
    # Authlib would rather have httpx2, takes httpx all the same, and says so at every start.
    warnings.simplefilter("ignore", authlib.deprecate.AuthlibDeprecationWarning)
    from authlib.integrations.base_client import BaseApp
    from authlib.integrations.base_client.async_app import AsyncOAuth2Mixin
    from authlib.integrations.base_client.async_openid import AsyncOpenIDMixin
    from authlib.integrations.httpx_client import AsyncOAuth2Client

SCOPES = "openid email profile"


class OidcApp(CheckedMetadata, AsyncOAuth2Mixin, AsyncOpenIDMixin, BaseApp):  # type: ignore[misc]
    """A client of one provider."""

    allow_private: bool

    def check_endpoints(self, endpoints: dict[str, str]) -> None:
        """Refuse endpoints inside, or without TLS: a browser, too, is sent to one of them."""
        try:
            for name, url in endpoints.items():
                read_outward_url(url, (name,), allow_private=self.allow_private)
        except InvalidInput as error:
            raise ProviderUnusable(f"{error.field[0]}: {error}") from None


def make_app(*, issuer: str, client_id: str, secret: str | None, allow_private: bool) -> OidcApp:
    """Return a client; what the provider says about itself it asks when it needs to."""
    app = OidcApp(
        None,
        "customers",
        client_id=client_id,
        client_secret=secret,
        server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": SCOPES,
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
        },
    )
    app.issuer, app.allow_private = issuer, allow_private
    app.client_cls = partial(_client, allow_private)
    return app


def _client(allow_private: bool, *args: Any, **kwargs: Any) -> AsyncOAuth2Client:
    transport = GuardedTransport(allow_private=allow_private)
    return AsyncOAuth2Client(*args, transport=transport, trust_env=False, **kwargs)
