"""Documents that clients name by their hash."""

from headless_presale.documents.shared_texts import ValkeyTexts

__all__ = ["ValkeyTexts"]
