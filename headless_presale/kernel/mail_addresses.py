"""E-mail addresses in their normal form, as the ``email-validator`` library has it."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES

__all__ = ["EmailNotValidError", "normal_address"]

MAX_LENGTH, MAX_LOCAL_LENGTH = 254, 64
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")


def normal_address(text: str) -> str:
    """Return an address in its normal form; nobody is asked whether it exists.

    Most of the library's work is for the domain, and most people have theirs at a few: of a plain
    address only a domain that is new is looked at by it. Any other address is, as a whole.

    Raises:
        EmailNotValidError: it is none.
    """
    local, at, domain = text.rpartition("@")
    if (
        at
        and len(text) <= MAX_LENGTH
        and len(local) <= MAX_LOCAL_LENGTH
        and domain.isascii()
        and _PLAIN.fullmatch(local)
        and local.lower() not in CASE_INSENSITIVE_MAILBOX_NAMES
    ):
        return f"{local}@{_normal_domain(domain)}"
    return validate_email(text, check_deliverability=False).normalized


@lru_cache(maxsize=10_000)
def _normal_domain(domain: str) -> str:
    return validate_email(f"a@{domain}", check_deliverability=False).domain
