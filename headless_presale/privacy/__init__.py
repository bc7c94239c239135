"""Privacy: what is known of a person, and how it is forgotten. Knows every table there is."""

from headless_presale.privacy.erasing import Erased, erase_customer, erase_person
from headless_presale.privacy.errors import ErasureBlocked, FreshSignInRequired, PersonNotFound
from headless_presale.privacy.models import Erasure

__all__ = [
    "Erased",
    "Erasure",
    "ErasureBlocked",
    "FreshSignInRequired",
    "PersonNotFound",
    "erase_customer",
    "erase_person",
]
