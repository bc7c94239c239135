"""What there is to choose from."""

from enum import StrEnum


class ProviderKind(StrEnum):
    """How a provider outside is asked who somebody is."""

    WECHAT = "WECHAT"
    """By the code that a mini-program gets of ``wx.login``."""
    OIDC = "OIDC"
    """By OpenID Connect: authorization code with PKCE."""
