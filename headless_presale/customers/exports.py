"""The link to a copy of what is known of a customer. Its token is stored nowhere but as a hash."""

from uuid import UUID

from headless_presale.identity import issuer
from headless_presale.identity.links import link_token

PURPOSE = "personal-data-export"


def export_token(export_id: UUID) -> str:
    """Return what the link to a copy carries; nobody makes it without our key."""
    return link_token(PURPOSE, export_id)


def export_link(export_id: UUID) -> str:
    """Return where a copy is fetched, by whoever holds the link."""
    return f"{issuer()}/privacy/export/{export_id}?token={export_token(export_id)}"
