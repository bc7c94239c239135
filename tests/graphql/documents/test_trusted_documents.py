"""A shop that answers its registered documents alone, and every way around that."""

import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLField

from headless_presale.campaigns import CampaignItem
from headless_presale.documents import (
    DocumentNotFound,
    list_digests,
    read_manifest,
    register_documents,
    remove_document,
)
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import new_id
from headless_presale.shops import UpdateShop, update_shop
from headless_presale.shops.models import Shop
from resolvers import shop_directory
from resolvers.errors import DocumentNotTrusted
from resolvers.global_ids import seal
from schema.contract import schema
from schema.documents import faults_of
from schema.transport.persisted import digest_of
from tests.graphql.customers import REDEEM, REFRESH, REQUEST, Storefront
from tests.graphql.endpoint import Api, Reply, footprint
from tests.graphql.ordering import CANCEL, ORDER, PLACE, START, Placed, order_input, start_input
from tests.graphql.providers import COMPLETE as COMPLETE_OIDC
from tests.graphql.providers import START as START_OIDC
from tests.graphql.providers import WECHAT
from tests.support.shop import make_shop
from tests.support.staff import sign_in

REFUSED = "DOCUMENT_NOT_TRUSTED"
SHOP = "query Shop($slug: String!) { shop(slug: $slug) { id name } }"
NODE = "query Node($id: ID!) { node(id: $id) { id } }"
CART = "query Cart($id: ID!, $token: String) { cart(id: $id, token: $token) { id } }"
CREATE_CART = """mutation Create($input: CartCreateInput!) {
  cartCreate(input: $input) { cart { id } cartToken userErrors { code } } }"""
NOTIFY_ME = """mutation Wait($input: CampaignNotifyMeInput!) {
  campaignNotifyMe(input: $input) { userErrors { code } } }"""
EVENTS = """mutation Seen($input: EventsRecordInput!) {
  eventsRecord(input: $input) { userErrors { code } } }"""
AVAILABILITY = "subscription A($id: ID!) { campaignAvailability(campaignId: $id) { status } }"
PROGRESS = "subscription P($id: ID!) { campaignProgress(campaignId: $id) { status } }"
TRACKING = """subscription T($id: ID!, $token: String!) {
  orderTracking(orderId: $id, token: $token) { type } }"""

SHOPLESS = {"serverTime", "signOut"}
"""What tells nothing of a shop. Signing out is always possible for the holder of the tokens."""


def change_cart(name: str) -> str:
    """A mutation of a cart's by its name."""
    kind = name[0].upper() + name[1:]
    return f"mutation M($input: {kind}Input!) {{ {name}(input: $input) {{ cart {{ id }} }} }}"


@pytest.fixture
def remember_seconds(monkeypatch: pytest.MonkeyPatch) -> float:
    """Nothing of a shop is remembered here: each change counts with the next request."""
    monkeypatch.setattr(shop_directory, "REMEMBER_SECONDS", 0)
    return 0


@dataclass(frozen=True, slots=True)
class House:
    """A shop with an order, a cart and a customer, and every operation that touches it."""

    api: Api
    shop: Shop
    queries: Mapping[str, tuple[str, dict[str, Any]]]
    subscriptions: Mapping[str, tuple[str, dict[str, Any]]]
    bearer: str

    async def ask(self, text: str, variables: dict[str, Any], bearer: str | None = None) -> Reply:
        """Send an operation."""
        return await self.api.ask(text, bearer=bearer, **variables)

    async def bind(self, *texts: str) -> None:
        """Register documents, and let no others in."""
        await self.register(*texts)
        command = UpdateShop(shop_id=self.shop.id, trusted_documents_only=True)
        await update_shop(command)

    async def register(self, *texts: str) -> None:
        """Register documents."""
        if texts:
            await register_documents(self.shop.id, manifest(*texts))


def manifest(*texts: str) -> Any:
    """Documents as a tool's manifest names them."""
    return read_manifest(json.dumps({digest_of(text): text for text in texts}).encode())


@pytest.fixture
async def house(api: Api, placed: Placed, clock: ManualClock) -> House:
    sale = placed.sale
    shop = await Shop.get(id=sale.shop.id)
    storefront = Storefront(api, shop)
    session = await storefront.sign_in()
    made = (await api.ask(CREATE_CART, input={"shop": shop.slug})).data["cartCreate"]
    cart = {"cartId": made["cart"]["id"], "token": made["cartToken"]}
    item = seal("CampaignItem", sale.item_id)
    line = {**cart, "campaignItemId": item}
    order = {"id": placed.id, "token": placed.token}
    campaign = {"id": seal("Campaign", sale.campaign.id)}
    variant = await sale_variant(sale.item_id)
    provider = {
        "shop": shop.slug,
        "providerId": seal("SignInProvider", new_id()),
        "redirectUri": "https://shop.example.com/back",
    }
    email = {"shop": shop.slug, "email": "new@example.com"}
    return House(
        api=api,
        shop=shop,
        queries={
            "shop": (SHOP, {"slug": shop.slug}),
            "node Shop": (NODE, {"id": seal("Shop", shop.id)}),
            "node Campaign": (NODE, campaign),
            "node CampaignItem": (NODE, {"id": item}),
            "node ProductVariant": (NODE, {"id": seal("ProductVariant", variant[0])}),
            "node Product": (NODE, {"id": seal("Product", variant[1])}),
            "order": (ORDER, order),
            "cart": (CART, {"id": cart["cartId"], "token": cart["token"]}),
            "orderPlace": (PLACE, {"input": order_input(sale, idempotencyKey="another")}),
            "orderCancel": (CANCEL, {"input": {"orderId": placed.id, "token": placed.token}}),
            "paymentStart": (START, {"input": start_input(placed)}),
            "cartCreate": (CREATE_CART, {"input": {"shop": shop.slug}}),
            "cartLineAdd": (change_cart("cartLineAdd"), {"input": line}),
            "cartLineUpdate": (change_cart("cartLineUpdate"), {"input": {**line, "quantity": 2}}),
            "cartLineRemove": (change_cart("cartLineRemove"), {"input": line}),
            "cartPricesAccept": (change_cart("cartPricesAccept"), {"input": cart}),
            "signInCodeRequest": (REQUEST, {"input": email}),
            "signInCodeRedeem": (REDEEM, {"input": {**email, "code": "123456"}}),
            "campaignNotifyMe": (
                NOTIFY_ME,
                {
                    "input": {
                        "campaignId": campaign["id"],
                        "email": "new@example.com",
                        "consent": True,
                    }
                },
            ),
            "eventsRecord": (
                EVENTS,
                {"input": {"events": [{"type": "VIEW", "campaignId": campaign["id"]}]}},
            ),
            "signInOidcStart": (START_OIDC, {"input": provider}),
            "signInOidcComplete": (
                COMPLETE_OIDC,
                {"input": {**provider, "code": "a", "state": "b", "browserKey": "c"}},
            ),
            "signInWeChat": (WECHAT, {"input": {"shop": shop.slug, "code": "a"}}),
            "sessionRefresh": (REFRESH, {"input": {"refreshToken": session["refreshToken"]}}),
        },
        subscriptions={
            "campaignAvailability": (AVAILABILITY, campaign),
            "campaignProgress": (PROGRESS, campaign),
            "orderTracking": (TRACKING, order),
        },
        bearer=session["accessToken"],
    )


async def sale_variant(item_id: Any) -> tuple[Any, Any]:
    """The variant of an item, and its product."""
    item = await CampaignItem.get(id=item_id).prefetch_related("variant")
    return item.variant_id, item.variant.product_id


async def test_no_way_of_a_storefronts_leads_around_it(
    house: House, database_admin: asyncpg.Connection
) -> None:
    tried = {name.split()[0] for name in house.queries}
    assert tried | set(house.subscriptions) == KNOWN
    await house.bind()
    before = await footprint(database_admin)

    answers = {name: await house.ask(*asked) for name, asked in house.queries.items()}

    assert {name: reply.error_codes for name, reply in answers.items()} == {
        name: [REFUSED] for name in house.queries
    }
    assert all(not any((reply.body["data"] or {}).values()) for reply in answers.values())
    assert await footprint(database_admin) == before


async def test_nor_does_a_subscription(house: House) -> None:
    await house.bind()

    for text, variables in house.subscriptions.values():
        async with aclosing(house.api.follow(text, **variables)) as outcomes:
            errors = (await anext(outcomes)).errors
        assert errors is not None
        (error,) = errors
        assert isinstance(error.original_error, DocumentNotTrusted)


async def test_what_is_registered_is_answered(house: House) -> None:
    await house.bind(*{text for text, _ in house.queries.values()})

    for name, asked in house.queries.items():
        assert REFUSED not in str((await house.ask(*asked)).body), name


async def test_control_while_the_switch_is_off_every_document_is(house: House) -> None:
    for name, asked in house.queries.items():
        assert REFUSED not in str((await house.ask(*asked)).body), name


@pytest.mark.parametrize(
    "text",
    [
        "query Shop($slug: String!) { other: shop(slug: $slug) { id name } }",
        "query Shop($slug: String!) { ...A } fragment A on Query { shop(slug: $slug) { name } }",
        "query Shop($slug: String!) { ... @include(if: true) { shop(slug: $slug) { name } } }",
        SHOP + " ",
        SHOP + " # registered",
        SHOP.replace("id name", "id name campaigns { totalCount }"),
        SHOP + " query Other { serverTime }",
    ],
)
async def test_no_other_text_passes_for_a_registered_one(house: House, text: str) -> None:
    await house.bind(SHOP)
    body = {
        "query": text,
        "variables": {"slug": house.shop.slug},
        "operationName": "Shop",
    }
    by_hash = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest_of(SHOP)}}}

    told = await house.api.client.post("/graphql", json=body)
    lied = await house.api.client.post("/graphql", json={**body, **by_hash})

    assert [e["extensions"]["code"] for e in told.json()["errors"]] == [REFUSED]
    codes = [e["extensions"]["code"] for e in lied.json()["errors"]]
    assert codes == ["PERSISTED_QUERY_MISMATCH"]


async def test_a_registered_document_needs_no_text(house: House) -> None:
    await house.bind(SHOP)
    body = {
        "variables": {"slug": house.shop.slug},
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest_of(SHOP)}},
    }

    reply = await house.api.client.post("/graphql", json=body)

    assert reply.json()["data"]["shop"]["name"] == house.shop.name


async def test_a_customer_is_bound_as_everybody_is(house: House) -> None:
    text = "query Me { me { email } }"
    await house.bind()
    assert (await house.ask(text, {}, house.bearer)).error_codes == [REFUSED]
    shop = await house.ask(SHOP, {"slug": house.shop.slug}, house.bearer)
    assert shop.error_codes == [REFUSED]

    await house.register(text)

    assert (await house.ask(text, {}, house.bearer)).data == {"me": {"email": "ann@example.com"}}


async def test_a_merchant_is_not_bound_at_his_own_shop_alone(house: House) -> None:
    await house.bind()
    owner = await sign_in(house.shop)
    stranger = await sign_in(await make_shop("elsewhere"))
    asked = (SHOP, {"slug": house.shop.slug})

    assert (await house.ask(*asked, owner.token)).data["shop"]["name"] == house.shop.name
    assert (await house.ask(*asked, stranger.token)).error_codes == [REFUSED]
    own = await house.ask("{ merchant { name } }", {}, stranger.token)
    assert own.data["merchant"]["name"]


async def test_another_shop_s_register_is_of_no_use_and_its_storefront_goes_on(
    house: House,
) -> None:
    other = await make_shop("elsewhere")
    await house.bind()
    await register_documents(other.id, manifest(SHOP))

    assert (await house.ask(SHOP, {"slug": house.shop.slug})).error_codes == [REFUSED]
    both = (
        'query B($slug: String!) { a: shop(slug: $slug) { id } b: shop(slug: "elsewhere") { id } }'
    )
    mixed = await house.ask(both, {"slug": house.shop.slug})
    assert mixed.error_codes == [REFUSED]
    assert mixed.body["data"]["a"] is None
    assert mixed.body["data"]["b"] == {"id": seal("Shop", other.id)}


async def test_what_is_taken_out_is_refused_with_the_next_request(house: House) -> None:
    asked = (SHOP, {"slug": house.shop.slug})
    await house.bind(SHOP)
    assert "errors" not in (await house.ask(*asked)).body

    await remove_document(house.shop.id, digest_of(SHOP))

    assert (await house.ask(*asked)).error_codes == [REFUSED]
    await house.register(SHOP)
    assert "errors" not in (await house.ask(*asked)).body


async def test_a_register_is_changed_whole_and_told_in_the_log(
    house: House, database_admin: asyncpg.Connection
) -> None:
    assert await register_documents(house.shop.id, manifest(SHOP, NODE)) == 2
    assert await register_documents(house.shop.id, manifest(SHOP, NODE)) == 0
    assert await register_documents(house.shop.id, manifest(SHOP, ORDER)) == 1
    await remove_document(house.shop.id, digest_of(NODE))
    with pytest.raises(DocumentNotFound):
        await remove_document(house.shop.id, digest_of(NODE))

    assert await list_digests(house.shop.id) == {digest_of(SHOP), digest_of(ORDER)}
    rows = await database_admin.fetch(
        "SELECT action, before::text, after::text FROM audit_entry"
        " WHERE action LIKE 'shop.document%' ORDER BY id"
    )
    assert [row["action"] for row in rows] == [
        "shop.documents_import",
        "shop.documents_import",
        "shop.document_remove",
    ]
    # 1, then three changes.
    assert (await Shop.get(id=house.shop.id)).documents_version == 4


def test_each_field_of_a_storefront_s_is_asked_above_or_names_no_shop() -> None:
    core = schema._schema
    roots = (core.query_type, core.mutation_type, core.subscription_type)
    asked = {
        name
        for root in roots
        if root is not None
        for name, field in root.fields.items()
        if not _names_its_caller(field)
    }

    assert asked - SHOPLESS - KNOWN == set()


def _names_its_caller(field: GraphQLField) -> bool:
    """Whether it is for merchants, or for customers, whose shop their token names."""
    source = field.extensions["strawberry-definition"]
    names = {type(extension).__name__ for extension in source.extensions}
    return bool(names & {"ScopesRequired", "CustomerRequired"})


KNOWN = {
    *("shop", "node", "order", "cart"),
    *("orderPlace", "orderCancel", "paymentStart"),
    *("cartCreate", "cartLineAdd", "cartLineUpdate", "cartLineRemove", "cartPricesAccept"),
    *("signInCodeRequest", "signInCodeRedeem", "sessionRefresh", "signInWeChat"),
    *("signInOidcStart", "signInOidcComplete", "campaignNotifyMe", "eventsRecord"),
    *("campaignAvailability", "campaignProgress", "orderTracking"),
}


def test_a_document_that_could_never_run_has_faults() -> None:
    assert faults_of(SHOP) == []
    assert faults_of("{ nothing }") == ["Cannot query field 'nothing' on type 'Query'."]
    assert faults_of("{")[0].startswith("Syntax Error")
