"""Customers: buyers of a shop who have proven who they are, and where they are signed in."""

from headless_presale.customers.access_tokens import (
    CustomerClaims,
    read_any_bearer,
    storefront_audience,
)
from headless_presale.customers.codes import code_of, redeem_code, request_code
from headless_presale.customers.errors import (
    CodeRefused,
    SessionEnded,
    SignInBlocked,
    SignInProviderExists,
    SignInProviderNotFound,
    SignInProviderUnavailable,
    SignInRefused,
    TooManySignIns,
)
from headless_presale.customers.events import SignInCodeRequested
from headless_presale.customers.models import (
    Customer,
    CustomerCode,
    CustomerIdentity,
    SignInProvider,
)
from headless_presale.customers.outside import Outside, close_outside, set_outside
from headless_presale.customers.providers import (
    ProviderChanges,
    ProviderWish,
    create_provider,
    delete_provider,
    list_providers,
    update_provider,
)
from headless_presale.customers.sessions import (
    CustomerPrincipal,
    SignedIn,
    find_customer_principal,
    refresh_session,
    sign_out,
)
from headless_presale.customers.states import ProviderKind
from headless_presale.customers.wechat import sign_in_by_wechat
from headless_presale.customers.wechat_api import WeChatApi

__all__ = [
    "CodeRefused",
    "Customer",
    "CustomerClaims",
    "CustomerCode",
    "CustomerIdentity",
    "CustomerPrincipal",
    "Outside",
    "ProviderChanges",
    "ProviderKind",
    "ProviderWish",
    "SessionEnded",
    "SignInBlocked",
    "SignInCodeRequested",
    "SignInProvider",
    "SignInProviderExists",
    "SignInProviderNotFound",
    "SignInProviderUnavailable",
    "SignInRefused",
    "SignedIn",
    "TooManySignIns",
    "WeChatApi",
    "close_outside",
    "code_of",
    "create_provider",
    "delete_provider",
    "find_customer_principal",
    "list_providers",
    "read_any_bearer",
    "redeem_code",
    "refresh_session",
    "request_code",
    "set_outside",
    "sign_in_by_wechat",
    "sign_out",
    "storefront_audience",
    "update_provider",
]
