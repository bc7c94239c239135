"""Links that are mailed: an id and a signature over it, made when needed and stored nowhere."""

from uuid import UUID

from headless_presale.kernel.ids import sign_token, token_matches
from headless_presale.kernel.vault import derive_key


def link_token(purpose: str, subject: UUID) -> str:
    """Return what a link carries to prove that its holder got our mail."""
    return f"{subject.hex}.{sign_token(_secret(), purpose, subject)}"


def read_link_token(purpose: str, token: str) -> UUID | None:
    """Return the id that a token of ours was made for; None for any other text."""
    written, _, signature = token.partition(".")
    try:
        subject = UUID(hex=written)
    except ValueError:
        return None
    is_ours = written == subject.hex and token_matches(_secret(), purpose, subject, signature)
    return subject if is_ours else None


def _secret() -> str:
    return derive_key("links").hex()
