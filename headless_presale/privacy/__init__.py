"""Privacy: what is known of a person, his copy of it, and how it is forgotten.

Knows every table there is.
"""

from headless_presale.privacy.erasing import Erased, erase_customer, erase_person
from headless_presale.privacy.errors import (
    ErasureBlocked,
    ExportTooSoon,
    FreshSignInRequired,
    PersonNotFound,
)
from headless_presale.privacy.exporting import (
    Document,
    Export,
    find_document,
    find_export,
    forget_exports,
    read_document,
    request_export,
    write_export,
)
from headless_presale.privacy.models import (
    Erasure,
    PersonalDataExport,
    PersonalDataExportPiece,
)

__all__ = [
    "Document",
    "Erased",
    "Erasure",
    "ErasureBlocked",
    "Export",
    "ExportTooSoon",
    "FreshSignInRequired",
    "PersonNotFound",
    "PersonalDataExport",
    "PersonalDataExportPiece",
    "erase_customer",
    "erase_person",
    "find_document",
    "find_export",
    "forget_exports",
    "read_document",
    "request_export",
    "write_export",
]
