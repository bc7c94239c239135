"""The contract as a whole: what is committed, what is covered, what is alike everywhere."""

import importlib
import inspect
import pkgutil
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

import headless_presale
from headless_presale.campaigns import judging
from headless_presale.identity import Scope
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.locales import SUPPORTED_LOCALES
from resolvers.messages import MESSAGES, SHIPS_BY, SHIPS_WITHIN, STATUS_WORDS
from schema import export
from schema.contract import schema, schema_text
from schema.enums import CampaignFaultCode, CampaignStatus, ErrorCode
from schema.permissions import CustomerOnly, Requires
from tests.graphql.admin.tenancy.declared import id_places

GRAPHQL = schema._schema


def domain_errors() -> set[type[DomainError]]:
    """Return every kind of domain error that the project defines, wherever it is."""
    for module in pkgutil.walk_packages(headless_presale.__path__, "headless_presale."):
        if not module.name.rpartition(".")[2].startswith(("__main__", "0")):
            importlib.import_module(module.name)
    found: set[type[DomainError]] = set()
    open_kinds = [DomainError]
    while open_kinds:
        kinds = open_kinds.pop().__subclasses__()
        found.update(kinds)
        open_kinds += kinds
    # A base without a code of its own is never raised.
    return {
        kind
        for kind in found
        if kind.__module__.startswith("headless_presale.") and hasattr(kind, "code")
    }


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def object_types() -> Iterator[GraphQLObjectType]:
    for type_ in GRAPHQL.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            yield type_


def test_every_domain_code_is_in_the_enum_and_nothing_else() -> None:
    assert {kind.code for kind in domain_errors()} == {code.value for code in ErrorCode}


def test_every_fault_of_a_campaign_is_in_the_enum_and_nothing_else() -> None:
    written = set(re.findall(r'Fault\(\s*"([A-Z_]+)"', inspect.getsource(judging)))
    assert written == {code.value for code in CampaignFaultCode}


def test_every_domain_code_speaks_every_language() -> None:
    codes = {kind.code for kind in domain_errors()}
    assert set(MESSAGES) == codes
    for code in codes:
        assert set(MESSAGES[code]) == set(SUPPORTED_LOCALES), code


def test_messages_name_only_what_their_error_carries() -> None:
    for kind in domain_errors():
        for text in MESSAGES[kind.code].values():
            assert placeholders(text) <= placeholders(kind.template), (kind.code, text)


@pytest.mark.parametrize("texts", [*STATUS_WORDS.values(), SHIPS_WITHIN, SHIPS_BY])
def test_other_words_speak_every_language(texts: dict[str, object]) -> None:
    assert set(texts) == set(SUPPORTED_LOCALES)


def test_the_committed_schema_is_current() -> None:
    assert export.PATH.read_text(encoding="utf-8") == schema_text()
    assert export.main(["--check"]) == 0


def test_a_drifted_schema_fails_the_check_and_shows_the_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a committed schema without one field
    path = tmp_path / "schema.graphql"
    assert export.main([], path=path) == 0
    path.write_text(path.read_text().replace("  secondsUntilOpen: Int!\n", ""))

    # When it is checked
    code = export.main(["--check"], path=path)

    # Then it fails, says what is missing, and leaves the file alone
    assert code == 1
    assert "+  secondsUntilOpen: Int!" in capsys.readouterr().out
    assert "secondsUntilOpen" not in path.read_text()


def test_an_unknown_option_of_the_export_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "schema.graphql"
    assert export.main(["--chekc"], path=path) == 2
    assert not path.exists()


def test_every_mutation_takes_one_input_and_answers_user_errors() -> None:
    mutation = GRAPHQL.mutation_type
    assert mutation is not None
    storefront = {name for name, field in mutation.fields.items() if scopes_of(field) is None}
    assert storefront == {
        "cartClaim",
        "cartCreate",
        "cartLineAdd",
        "cartLineRemove",
        "cartLineUpdate",
        "cartPricesAccept",
        "eventsRecord",
        "campaignNotifyMe",
        "addressAdd",
        "addressUpdate",
        "addressRemove",
        "addressSetDefault",
        "consentGive",
        "consentWithdraw",
        "customerErase",
        "personalDataExport",
        "notificationChoiceSet",
        "emailProve",
        "orderPlace",
        "orderCancel",
        "orderTokenRevoke",
        "paymentStart",
        "profileUpdate",
        "sessionRefresh",
        "signInCodeRedeem",
        "signInCodeRequest",
        "signInOidcComplete",
        "signInOidcStart",
        "signInWeChat",
        "signOut",
    }
    for name, field in mutation.fields.items():
        payload_name = f"{name[0].upper()}{name[1:]}Payload"
        assert list(field.args) == ["input"]
        input_name = get_named_type(field.args["input"].type).name
        assert input_name == payload_name.replace("Payload", "Input")
        assert get_named_type(field.type).name == payload_name
        # Non-null: an engine that is away is an answer without data, with its HTTP status.
        assert isinstance(field.type, GraphQLNonNull)
        payload = GRAPHQL.type_map[payload_name]
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"
        things = {key: part.type for key, part in payload.fields.items() if key != "userErrors"}
        # What it is about, or its id where it is gone; null where it was refused.
        assert things, name
        assert not any(isinstance(kind, GraphQLNonNull) for kind in things.values()), name


def test_every_user_error_is_known_to_the_schema() -> None:
    interface = GRAPHQL.type_map["UserError"]
    assert isinstance(interface, GraphQLInterfaceType)
    names = {type_.name for type_ in GRAPHQL.get_possible_types(interface)}
    assert {"SlotsSoldOutError", "PurchaseLimitError", "TermsOutdatedError"} <= names
    assert {"PriceChangedError", "CampaignNotOpenError", "InvalidInputError"} <= names
    assert all(name.endswith("Error") for name in names)


def scopes_of(field: Any) -> list[str] | None:
    """Return what a field requires; None where nobody has to be known."""
    for directive in field.extensions["strawberry-definition"].directives:
        if isinstance(directive, Requires):
            return directive.scopes
    return None


def test_every_field_of_a_merchants_root_names_what_it_requires() -> None:
    open_fields = {
        f"{type_name}.{name}"
        for type_name in ("Merchant", "AdminShop")
        for name, field in GRAPHQL.type_map[type_name].fields.items()  # type: ignore[attr-defined]
        if scopes_of(field) is None
    }
    assert open_fields == {
        # Who it is: whoever was let in as far as this knows it.
        "AdminShop.currency",
        "AdminShop.id",
        "AdminShop.name",
        "AdminShop.slug",
        "AdminShop.version",
        "Merchant.id",
        "Merchant.name",
        "Merchant.version",
    }


def is_merchants(type_: GraphQLObjectType) -> bool:
    """Tell whether a type is of the merchants' part of the schema."""
    origin = type_.extensions["strawberry-definition"].origin
    return bool(origin.__module__.startswith("schema.admin."))


def test_nothing_of_a_merchants_is_reached_without_a_guard() -> None:
    roots = (GRAPHQL.query_type, GRAPHQL.mutation_type, GRAPHQL.subscription_type)
    ahead = [root for root in roots if root is not None]
    open_types: set[str] = set()
    while ahead:
        type_ = ahead.pop()
        if type_.name in open_types:
            continue
        open_types.add(type_.name)
        for field in type_.fields.values():
            if scopes_of(field) is not None:
                continue
            named = get_named_type(field.type)
            if isinstance(named, GraphQLInterfaceType):
                # What `node(id:)` may find, and what may be the matter with a mutation.
                ahead += GRAPHQL.get_possible_types(named)
            elif isinstance(named, GraphQLObjectType):
                ahead.append(named)
    # A look at what it walks: far into the storefront, and not through a guard.
    assert {"Order", "Refund", "CampaignItem", "InvalidInputError"} <= open_types
    found = {t.name for t in object_types() if t.name in open_types and is_merchants(t)}
    # What `campaignCancel` would do now, in its refusal of what was expected of it.
    assert found == {"CampaignCancelPreview", "LegRefund"}
    mutation = GRAPHQL.mutation_type
    assert mutation is not None
    assert "orders:read" in (scopes_of(mutation.fields["campaignCancel"]) or ())


def test_ids_are_taken_where_the_matrix_asks_for_foreign_ones() -> None:
    takes_ids = {
        f"{type_.name}.{name}"
        for type_ in object_types()
        if is_merchants(type_)
        for name, field in type_.fields.items()
        if scopes_of(field) is None
        and any(list(id_places(argument.type)) for argument in field.args.values())
    }
    # Its lines are looked for among those of its order: see test_orders.py.
    assert takes_ids == {"AdminOrder.refundPreview"}


def test_what_is_a_customers_says_so() -> None:
    guarded = {
        f"{type_.name}.{name}"
        for type_ in object_types()
        for name, field in type_.fields.items()
        if any(
            isinstance(directive, CustomerOnly)
            for directive in field.extensions["strawberry-definition"].directives
        )
    }
    assert guarded == {
        "Query.me",
        "Mutation.cartClaim",
        "Mutation.addressAdd",
        "Mutation.emailProve",
        "Mutation.addressUpdate",
        "Mutation.addressRemove",
        "Mutation.addressSetDefault",
        "Mutation.consentGive",
        "Mutation.consentWithdraw",
        "Mutation.customerErase",
        "Mutation.personalDataExport",
        "Mutation.notificationChoiceSet",
        "Mutation.orderTokenRevoke",
        "Mutation.profileUpdate",
    }


def test_every_scope_that_a_field_requires_exists() -> None:
    named = {
        scope
        for type_ in object_types()
        for field in type_.fields.values()
        for scope in scopes_of(field) or ()
    }
    assert named <= set(Scope)


UNPAGED = {
    # So many are accepted; kinds are a handful.
    "Customer.addresses",
    "Customer.awaitedCampaigns",
    "Customer.consents",
    "Customer.notificationChoices",
    # Set up by whoever runs it.
    "Shop.paymentGateways",
    # Bounded by what a person made, each a handful.
    "AdminMissingVariant.optionValues",
    "AdminProduct.options",
    "AdminProduct.tags",
    "AdminProduct.translations",
    "AdminProductOption.values",
    "AdminProductVariant.optionValues",
    "ProductOptionTranslation.values",
    "ProductTranslation.options",
    # Bounded by what a person made, each a handful; of notes and refunds so many are accepted.
    "AdminOrder.dueLater",
    "AdminOrder.dueNow",
    "AdminOrder.lines",
    "AdminOrder.merchantRefunds",
    "AdminOrder.notes",
    "AdminOrder.payments",
    "AdminOrderLine.batches",
    "AdminOrderLine.slotNumbers",
    "LineBatch.slotNumbers",
    "OrderCancelPreview.parts",
    "OrderCancelPreview.userErrors",
    "MerchantRefund.parts",
    "OrderRefundPreview.parts",
    "OrderRefundPreview.userErrors",
    "OrderLedger.balances",
    "OrderLedger.bookings",
    "OrderMoney.gateways",
    "OrderMoney.legs",
    "AdminCampaign.faults",
    "AdminCampaign.items",
    "AdminCampaign.termsDiff",
    "AdminCampaign.translations",
    "AdminCampaign.warnings",
    "AdminCampaignItem.batches",
    "AdminCampaignItem.quantityTiers",
    "AdminCampaignItem.timeTiers",
    "CampaignCancelPreview.refunds",
    "CampaignFault.field",
    "TermsVersion.cancelConditions",
    "TermsVersion.refundPolicy",
    "ApiClient.redirectUris",
    "ApiClient.scopes",
    "ApiClient.shopIds",
    "AuditEntry.changes",
    "Grant.scopes",
    "Invitation.shopIds",
    "Merchant.roles",
    "Merchant.shops",
    "RoleInfo.scopes",
    # At most MOST_BUCKETS, a currency of a shop's, the three legs.
    "SalesBucket.money",
    "SalesChart.buckets",
    "SalesMoney.legs",
    "ShopSettings.storefrontOrigins",
    "ShopSettings.translations",
    "AdminProductMedia.sizes",
    "MediaAsset.sizes",
    "MediaAsset.translations",
    "StaffMember.shopIds",
    "Viewer.scopes",
    "AdminShop.signInProviders",
    "AdminSignInProvider.redirectUris",
    "Shop.signInProviders",
    "Merchant.webhookEventTypes",
    "WebhookDelivery.log",
    "WebhookEndpoint.eventTypes",
    "WebhookEndpoint.shopIds",
    "Campaign.items",
    # At most MAX_LINES; units by price, at most MAX_QUANTITY.
    "Cart.lines",
    "CartLine.units",
    "CampaignAvailability.items",
    "CampaignItem.batches",
    "Order.dueLater",
    "Order.dueNow",
    "Order.lines",
    "Order.payments",
    "OrderLine.slotNumbers",
    "Payment.refunds",
    "Product.options",
    "ProductMedia.sizes",
    "Product.tags",
    "ProductOption.values",
    "ProductVariant.optionValues",
}


def test_no_list_of_rows_without_a_limit() -> None:
    lists = {
        f"{type_.name}.{name}"
        for type_ in object_types()
        if not type_.name.endswith(("Connection", "Payload", "Error"))
        for name, field in type_.fields.items()
        if is_list_type(get_nullable_type(field.type)) and "first" not in field.args
    }
    assert lists == UNPAGED


def test_no_field_is_a_bag_of_anything() -> None:
    assert "JSON" not in GRAPHQL.type_map


def test_money_counts_beyond_32_bits() -> None:
    money = GRAPHQL.type_map["Money"]
    assert isinstance(money, GraphQLObjectType)
    assert {name: str(field.type) for name, field in money.fields.items()} == {
        "amount": "Decimal!",
        "minor": "SafeInt!",
        "currency": "CurrencyCode!",
    }


def test_enums_are_the_domains_own() -> None:
    statuses = GRAPHQL.type_map["CampaignStatus"]
    assert isinstance(statuses, GraphQLEnumType)
    assert list(statuses.values) == [status.value for status in CampaignStatus]


def test_lists_hold_no_null() -> None:
    for type_ in object_types():
        for name, field in type_.fields.items():
            inner = get_nullable_type(field.type)
            if isinstance(inner, GraphQLList):
                assert isinstance(inner.of_type, GraphQLNonNull), f"{type_.name}.{name}"
