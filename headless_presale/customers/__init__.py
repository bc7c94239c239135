"""Customers: buyers of a shop who have proven who they are, and where they are signed in."""

from headless_presale.customers.access_tokens import (
    CustomerClaims,
    read_any_bearer,
    storefront_audience,
)
from headless_presale.customers.codes import code_of, redeem_code, request_code
from headless_presale.customers.errors import CodeRefused, SessionEnded, TooManySignIns
from headless_presale.customers.events import SignInCodeRequested
from headless_presale.customers.models import Customer, CustomerCode
from headless_presale.customers.sessions import (
    CustomerPrincipal,
    SignedIn,
    find_customer_principal,
    refresh_session,
    sign_out,
)

__all__ = [
    "CodeRefused",
    "Customer",
    "CustomerClaims",
    "CustomerCode",
    "CustomerPrincipal",
    "SessionEnded",
    "SignInCodeRequested",
    "SignedIn",
    "TooManySignIns",
    "code_of",
    "find_customer_principal",
    "read_any_bearer",
    "redeem_code",
    "refresh_session",
    "request_code",
    "sign_out",
    "storefront_audience",
]
