"""Customers: buyers of a shop who have proven who they are, and where they are signed in."""

from headless_presale.customers.access_tokens import (
    CustomerClaims,
    read_any_bearer,
    storefront_audience,
)
from headless_presale.customers.addresses import (
    AddressEntry,
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
    find_opted_out,
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
from headless_presale.customers.oidc import (
    AuthorizationRequest,
    AuthorizationResponse,
    complete_oidc_sign_in,
    start_oidc_sign_in,
)
from headless_presale.customers.profile import UpdateProfile, lock_customer, update_profile
from headless_presale.customers.provider_clients import (
    ProviderClients,
    close_provider_clients,
    set_provider_clients,
)
from headless_presale.customers.providers import (
    ProviderChanges,
    ProviderWish,
    create_provider,
    delete_provider,
    list_providers,
    update_provider,
)
from headless_presale.customers.sessions import (
    SIGNED_IN,
    CustomerPrincipal,
    SignedIn,
    find_customer_principal,
    is_signed_in,
    refresh_session,
    sign_in_of,
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
    "SIGNED_IN",
    "AddressEntry",
    "AuthorizationRequest",
    "AuthorizationResponse",
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
    "EmailProvenAlready",
    "MailChoice",
    "NotificationKind",
    "ProviderChanges",
    "ProviderClients",
    "ProviderKind",
    "ProviderWish",
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
    "close_provider_clients",
    "code_of",
    "complete_oidc_sign_in",
    "create_provider",
    "delete_provider",
    "export_link",
    "export_token",
    "find_customer_principal",
    "find_opted_out",
    "forget_requests",
    "give_consent",
    "is_signed_in",
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
    "set_provider_clients",
    "sign_in_by_wechat",
    "sign_in_of",
    "sign_out",
    "sign_out_with",
    "start_oidc_sign_in",
    "storefront_audience",
    "update_profile",
    "update_provider",
    "withdraw_consent",
]
