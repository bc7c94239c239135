"""A shop that answers its registered documents alone; every way to it is in the matrix."""

import json
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from headless_presale.documents import (
    DocumentNotFound,
    list_digests,
    read_manifest,
    register_documents,
    remove_document,
)
from headless_presale.kernel.clock import ManualClock
from headless_presale.shops import UpdateShop, update_shop
from headless_presale.shops.models import Shop
from resolvers import shop_directory
from resolvers.global_ids import seal
from schema.documents import faults_of
from schema.transport.persisted import digest_of
from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api, Reply
from tests.graphql.ordering import ORDER
from tests.support.shop import make_shop
from tests.support.staff import sign_in

REFUSED = "DOCUMENT_NOT_TRUSTED"
SHOP = "query Shop($slug: String!) { shop(slug: $slug) { id name } }"
NODE = "query Node($id: ID!) { node(id: $id) { id } }"


@pytest.fixture
def remember_seconds(monkeypatch: pytest.MonkeyPatch) -> float:
    """Nothing of a shop is remembered here: each change counts with the next request."""
    monkeypatch.setattr(shop_directory, "REMEMBER_SECONDS", 0)
    return 0


@dataclass(frozen=True, slots=True)
class House:
    """A shop and a customer of it."""

    api: Api
    shop: Shop
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
async def house(api: Api, clock: ManualClock) -> House:
    shop = await make_shop()
    session = await Storefront(api, shop).sign_in()
    return House(api=api, shop=shop, bearer=session["accessToken"])


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


def test_a_document_that_could_never_run_has_faults() -> None:
    assert faults_of(SHOP) == []
    assert faults_of("{ nothing }") == ["Cannot query field 'nothing' on type 'Query'."]
    assert faults_of("{")[0].startswith("Syntax Error")
