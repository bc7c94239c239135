"""What is alike everywhere in the schema: mutations, lists, money, enums."""

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from schema.enums import CampaignStatus
from tests.graphql.contract.reading import GRAPHQL, object_types, scopes_of


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
