"""Customers: buyers of a shop who have proven who they are, and where they are signed in."""

from headless_presale.customers.access_tokens import (
    CustomerClaims,
    read_any_bearer,
    storefront_audience,
)
from headless_presale.customers.addresses import (
    Entry,
    SavedAddress,
    add_address,
    change_address,
    list_addresses,
    remove_address,
    set_default_address,
)
from headless_presale.customers.codes import code_of, redeem_code, request_code
from headless_presale.customers.consents import (
    MailChoice,
    choose_mail,
    find_unwilling,
    give_consent,
    list_consents,
    list_mail_choices,
    withdraw_consent,
)
from headless_presale.customers.errors import (
    CodeRefused,
    EmailProvenAlready,
    SessionEnded,
    SignInBlocked,
    SignInProviderExists,
    SignInProviderNotFound,
    SignInProviderUnavailable,
    SignInRefused,
)
from headless_presale.customers.events import CustomersMerged, SignInCodeRequested
from headless_presale.customers.exports import export_link, export_token
from headless_presale.customers.limits import forget_requests
from headless_presale.customers.merging import prove_email
from headless_presale.customers.models import (
    Customer,
    CustomerCode,
    CustomerConsent,
    CustomerIdentity,
    SignInProvider,
)
from headless_presale.customers.oidc import Departure, Return, come_back, depart
from headless_presale.customers.outside import Outside, close_outside, set_outside
from headless_presale.customers.profile import UpdateProfile, lock_customer, update_profile
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
    sign_out_with,
)
from headless_presale.customers.states import (
    ConsentKind,
    ConsentSource,
    NotificationKind,
    ProviderKind,
)
from headless_presale.customers.wechat import sign_in_by_wechat
from headless_presale.customers.wechat_api import WeChatApi

__all__ = [
    "CodeRefused",
    "ConsentKind",
    "ConsentSource",
    "Customer",
    "CustomerClaims",
    "CustomerCode",
    "CustomerConsent",
    "CustomerIdentity",
    "CustomerPrincipal",
    "CustomersMerged",
    "Departure",
    "EmailProvenAlready",
    "Entry",
    "MailChoice",
    "NotificationKind",
    "Outside",
    "ProviderChanges",
    "ProviderKind",
    "ProviderWish",
    "Return",
    "SavedAddress",
    "SessionEnded",
    "SignInBlocked",
    "SignInCodeRequested",
    "SignInProvider",
    "SignInProviderExists",
    "SignInProviderNotFound",
    "SignInProviderUnavailable",
    "SignInRefused",
    "SignedIn",
    "UpdateProfile",
    "WeChatApi",
    "add_address",
    "change_address",
    "choose_mail",
    "close_outside",
    "code_of",
    "come_back",
    "create_provider",
    "delete_provider",
    "depart",
    "export_link",
    "export_token",
    "find_customer_principal",
    "find_unwilling",
    "forget_requests",
    "give_consent",
    "list_addresses",
    "list_consents",
    "list_mail_choices",
    "list_providers",
    "lock_customer",
    "prove_email",
    "read_any_bearer",
    "redeem_code",
    "refresh_session",
    "remove_address",
    "request_code",
    "set_default_address",
    "set_outside",
    "sign_in_by_wechat",
    "sign_out",
    "sign_out_with",
    "storefront_audience",
    "update_profile",
    "update_provider",
    "withdraw_consent",
]
