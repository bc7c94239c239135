"""What clients find by themselves: the server (RFC 8414), the API it protects (RFC 9728)."""

from typing import Any

from headless_presale.identity.bearer import issuer
from headless_presale.identity.oauth.server import AUTH_METHODS, SECRET_METHODS
from headless_presale.identity.scopes import Scope
from headless_presale.kernel.locales import SUPPORTED_LOCALES

AUTHORIZE = "/oauth/authorize"
TOKEN = "/oauth/token"
REVOKE = "/oauth/revoke"
INTROSPECT = "/oauth/introspect"
JWKS = "/.well-known/jwks.json"
SERVER_METADATA = "/.well-known/oauth-authorization-server"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"


def server_metadata() -> dict[str, Any]:
    """Return what the authorization server offers."""
    base = issuer()
    return {
        "issuer": base,
        "authorization_endpoint": base + AUTHORIZE,
        "token_endpoint": base + TOKEN,
        "revocation_endpoint": base + REVOKE,
        "introspection_endpoint": base + INTROSPECT,
        "jwks_uri": base + JWKS,
        "scopes_supported": [str(scope) for scope in Scope],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "introspection_endpoint_auth_methods_supported": list(SECRET_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": list(SUPPORTED_LOCALES),
        "service_documentation": base + "/schema.graphql",
    }


def resource_metadata() -> dict[str, Any]:
    """Return which server's tokens the API takes, and how."""
    return {
        "resource": issuer(),
        "authorization_servers": [issuer()],
        "jwks_uri": issuer() + JWKS,
        "scopes_supported": [str(scope) for scope in Scope],
        "bearer_methods_supported": ["header"],
    }
