"""A person of the list: an address in a shop, and what the links of its mails carry."""

import hmac
from uuid import UUID

from headless_presale.identity import fold_email
from headless_presale.identity.links import link_token, read_link_token
from headless_presale.kernel.vault import derive_key

CONFIRM = "notify-me-confirm"
UNSUBSCRIBE = "notify-me-unsubscribe"


def read_address(email: str) -> str:
    """Return an address as the list keeps it.

    Raises:
        InvalidInput: this is none.
    """
    return fold_email(email)


def person_of(shop_id: UUID, address: str) -> UUID:
    """Return what stands for an address in a shop: nobody finds the address by it without our key.

    It is what remains of somebody who unsubscribed, whatever else of him is deleted.
    """
    digest = hmac.digest(derive_key("notify-me"), f"{shop_id}:{address}".encode(), "sha256")
    return UUID(bytes=digest[:16])


def confirm_token(watcher_id: UUID) -> str:
    """Return what the link of the confirming mail carries."""
    return link_token(CONFIRM, watcher_id)


def unsubscribe_token(person: UUID) -> str:
    """Return what the links to unsubscribe carry; it works for as long as there are mails."""
    return link_token(UNSUBSCRIBE, person)


def read_confirm_token(token: str) -> UUID | None:
    """Return the watcher a link was made for; None for any other text."""
    return read_link_token(CONFIRM, token)


def read_unsubscribe_token(token: str) -> UUID | None:
    """Return the person a link was made for; None for any other text."""
    return read_link_token(UNSUBSCRIBE, token)
