"""What there is to choose from: providers, consents, and which mails one may turn off."""

from enum import StrEnum


class ProviderKind(StrEnum):
    """How a provider outside is asked who somebody is."""

    WECHAT = "WECHAT"
    """By the code that a mini-program gets of ``wx.login``."""
    OIDC = "OIDC"
    """By OpenID Connect: authorization code with PKCE."""


class ConsentKind(StrEnum):
    """What one can consent to."""

    PRIVACY_POLICY = "PRIVACY_POLICY"
    TERMS_OF_SERVICE = "TERMS_OF_SERVICE"
    PERSONALISATION = "PERSONALISATION"
    DATA_SHARING = "DATA_SHARING"


class ConsentSource(StrEnum):
    """Where somebody was asked."""

    ACCOUNT = "ACCOUNT"
    CHECKOUT = "CHECKOUT"
    SIGN_IN = "SIGN_IN"
    BANNER = "BANNER"


class NotificationKind(StrEnum):
    """Kinds of mails."""

    ORDERS = "ORDERS"
    SECURITY = "SECURITY"
    CAMPAIGN_OPENINGS = "CAMPAIGN_OPENINGS"
    NEWS = "NEWS"


MANDATORY = frozenset({NotificationKind.ORDERS, NotificationKind.SECURITY})
"""What the contract, or one's own safety, needs: nobody can turn these off."""
ON_UNLESS_TURNED_OFF = MANDATORY | {NotificationKind.CAMPAIGN_OPENINGS}
"""Openings are told to those who asked to be told; news to those who said so here."""
