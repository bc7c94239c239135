"""Documents that clients name by their hash, and those that a shop lets in alone."""

from headless_presale.documents.errors import DocumentNotFound, ManifestUnreadable, TooManyDocuments
from headless_presale.documents.manifests import ManifestDocument, read_manifest
from headless_presale.documents.models import TrustedDocument
from headless_presale.documents.shared_texts import SharedTexts
from headless_presale.documents.trusted import (
    BoundShop,
    list_bound_shops,
    list_digests,
    list_documents,
    register_documents,
    remove_document,
)

__all__ = [
    "BoundShop",
    "DocumentNotFound",
    "ManifestDocument",
    "ManifestUnreadable",
    "SharedTexts",
    "TooManyDocuments",
    "TrustedDocument",
    "list_bound_shops",
    "list_digests",
    "list_documents",
    "read_manifest",
    "register_documents",
    "remove_document",
]
