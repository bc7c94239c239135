"""Whether an installation that others reach is set as they need it."""

from collections.abc import Iterator

from headless_presale.audits.findings import Finding
from headless_presale.audits.secrets import is_local
from headless_presale.settings import Settings

ENCRYPTED = "the public address is encrypted"
LINKED = "mails about orders can link to the storefront"


def audit_public_address(settings: Settings) -> Finding:
    """Judge the address that buyers reach us at: tokens travel to it."""
    return Finding(ENCRYPTED, tuple(_open_addresses(settings)))


def audit_links(settings: Settings) -> Finding:
    """Tell what a storefront's addresses that are not set take from its buyers."""
    if settings.order_url_template is not None:
        return Finding(LINKED)
    return Finding(
        LINKED,
        (
            "PRESALE_ORDER_URL_TEMPLATE is not set: mails have no link, and a guest's token that "
            "leaked cannot be replaced",
        ),
    )


def _open_addresses(settings: Settings) -> Iterator[str]:
    is_encrypted = settings.base_url.lower().startswith("https://")
    if settings.mode == "production" and not (is_encrypted or is_local(settings)):
        yield (
            f"PRESALE_PUBLIC_URL: {settings.base_url} with PRESALE_MODE=production; "
            "it begins with https:// once TLS is in front"
        )
