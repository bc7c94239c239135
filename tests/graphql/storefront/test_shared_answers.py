"""What anonymous storefronts read, kept for a second: the same bytes, not older, never private."""

import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from headless_presale.campaigns import cancel_campaign
from headless_presale.checkout import place_order
from headless_presale.documents import register_documents
from headless_presale.documents.manifests import read_manifest
from headless_presale.kernel.clock import ManualClock
from headless_presale.shops import UpdateShop, update_shop
from resolvers import shop_directory
from resolvers.global_ids import seal
from resolvers.shop_directory import ShopDirectory
from schema.asgi import create_graphql_app
from schema.transport.answers import SharedAnswers
from schema.transport.persisted import digest_of
from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api, WithRuntime
from tests.graphql.ordering import Placed
from tests.graphql.storefront.test_campaigns import CAMPAIGN
from tests.support.shop import Sale, open_sale, order_for

WHERE = {"slug": "moonlit-forge", "handle": "nebula-fox"}
LIST = """
query ($slug: String!, $first: Int!) {
  shop(slug: $slug) {
    name campaigns(first: $first) { nodes { title slotsLeft status } pageInfo { hasNextPage } }
  }
}
"""


@pytest.fixture
def remember_seconds() -> float:
    """Shops are asked for with each answer that is made: only what is shared is kept here."""
    return 0.0


class Watch:
    """A clock that stands still, however long a test takes."""

    def __init__(self) -> None:
        self.seconds = time.monotonic()

    def __call__(self) -> float:
        return self.seconds

    def move_on(self) -> None:
        """Let a second pass: whatever has been read so far is as old as that."""
        self.seconds = time.monotonic() + 1.0


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def sharing(api: Api, watch: Watch) -> AsyncIterator[Api]:
    """The endpoint as it is shipped; what it keeps lives until the watch is moved on."""
    settings = api.runtime.settings.model_copy(update={"answer_memory_bytes": 1_000_000})
    graphql = create_graphql_app(settings, ShopDirectory())
    graphql.answers = SharedAnswers(memory_bytes=1_000_000, now=watch)
    app = WithRuntime(Starlette(routes=[Route("/graphql", graphql)]), api.runtime)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        yield Api(client, graphql, api.runtime)


def kept(api: Api) -> int:
    return len(api.graphql.answers)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_kept_answers_are_those_that_the_plain_way_makes(
    api: Api, sharing: Api, clock: ManualClock, language: str
) -> None:
    # Given documents as storefronts send them
    sale = await open_sale()
    node = "query ($id: ID!) { node(id: $id) { __typename id ... on Campaign { slotsLeft } } }"
    asked: list[tuple[str, dict[str, Any]]] = [
        (CAMPAIGN, WHERE),
        (LIST, {"slug": "moonlit-forge", "first": 20}),
        (node, {"id": seal("Campaign", sale.campaign.id)}),
        ('{ shop(slug: "nobody") { name } }', {}),
        ('{ serverTime shop(slug: "moonlit-forge") { name serverTime } }', {}),
    ]
    for query, variables in asked:
        body = {"query": query, "variables": variables}
        params = {"query": query, "variables": json.dumps(variables)}
        headers = {"accept-language": language}
        for send in ("POST", "GET"):
            request = {"json": body} if send == "POST" else {"params": params}
            plain, first, again = [
                await each.client.request(send, "/graphql", headers=headers, **request)
                for each in (api, sharing, sharing)
            ]
            # Then nobody can tell one that was kept
            for answer in (first, again):
                assert answer.status_code == plain.status_code == 200
                assert answer.content == plain.content
                assert answer.headers == plain.headers
    assert kept(sharing) == len(asked)


async def test_a_sale_is_seen_a_second_later_at_most(
    sharing: Api, clock: ManualClock, watch: Watch
) -> None:
    sale = await open_sale(capacity=5)

    async def left() -> tuple[int, str, str]:
        campaign = (await sharing.ask(CAMPAIGN, **WHERE)).data["shop"]["campaign"]
        return campaign["slotsLeft"], campaign["status"], campaign["serverTime"]

    noon = "2026-03-01T12:00:00Z"
    assert await left() == (5, "LIVE", noon)
    await place_order(order_for(sale, quantity=5))
    clock.advance(timedelta(seconds=1))
    assert await left() == (5, "LIVE", noon)

    watch.move_on()
    assert await left() == (0, "LIVE", "2026-03-01T12:00:01Z")
    await cancel_campaign(sale.campaign.id, reason="Flooded.")
    watch.move_on()
    assert (await left())[1] == "CANCELLED"


async def test_what_was_remembered_before_counts_from_its_reading(
    sharing: Api, clock: ManualClock, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second of the shop's being remembered and one of the answer's would make two."""
    await open_sale()
    await sharing.ask(CAMPAIGN, **WHERE)
    assert kept(sharing) == 1

    # Given that what the process remembers was read when the answer above was begun
    monkeypatch.setattr(shop_directory, "REMEMBER_SECONDS", 3_600)
    monkeypatch.setattr("headless_presale.campaigns.snapshot.CACHE_SECONDS", 3_600)
    watch.move_on()
    await sharing.ask(CAMPAIGN, language="zh-CN", **WHERE)

    # Then an answer made of it now is as old as that, and is not kept
    assert kept(sharing) == 1


async def test_nothing_of_anybody_is_kept(sharing: Api, placed: Placed, clock: ManualClock) -> None:
    order = "query ($id: ID!, $token: String) { order(id: $id, token: $token) { id status } }"
    both = (
        "query ($id: ID!, $token: String) { order(id: $id, token: $token) { id status } "
        'shop(slug: "moonlit-forge") { name } }'
    )
    key = {"id": placed.id, "token": placed.token}
    for query, variables in (
        (order, key),
        (both, key),
        (order, {**key, "token": None}),
        ("{ me { email } }", {}),
        ('{ shop(slug: "moonlit-forge") { name } me { email } }', {}),
        ('{ shop(slug: "moonlit-forge") { name } node(id: "nonsense") { id } }', {}),
        ("{ serverTime }", {}),
    ):
        await sharing.ask(query, **variables)
        await sharing.read(query, **variables)
        assert kept(sharing) == 0, query


async def test_who_says_who_he_is_is_answered_for_himself(
    api: Api, sharing: Api, clock: ManualClock
) -> None:
    sale = await open_sale()
    session = await Storefront(api, sale.shop).sign_in()
    body = {"query": CAMPAIGN, "variables": WHERE}
    bearer = {"authorization": f"Bearer {session['accessToken']}"}
    for headers in (bearer, {"cookie": "theme=dark"}):
        answer = await sharing.client.post("/graphql", json=body, headers=headers)
        assert answer.json()["data"]["shop"]["campaign"]["slotsLeft"] == 50
    assert kept(sharing) == 0
    await sharing.client.post("/graphql", json=body)
    assert kept(sharing) == 1
    # And a token that is good for nothing is told so, whatever there is for others
    refused = await sharing.ask(CAMPAIGN, bearer="nonsense", **WHERE)
    assert refused.error_codes == ["UNAUTHENTICATED"]


async def test_a_page_of_another_site_is_not_given_what_others_may_read(
    sharing: Api, clock: ManualClock
) -> None:
    sale: Sale = await open_sale()
    friend, stranger = "https://friend.test", "https://stranger.test"
    await update_shop(UpdateShop(shop_id=sale.shop.id, storefront_origins=[friend]))

    assert (await sharing.ask(CAMPAIGN, **WHERE)).data
    assert (await sharing.ask(CAMPAIGN, origin=friend, **WHERE)).data
    for _ in range(2):
        refused = await sharing.ask(CAMPAIGN, origin=stranger, **WHERE)
        assert refused.error_codes == ["ORIGIN_NOT_ALLOWED"]
    assert kept(sharing) == 2


async def test_a_document_that_is_not_registered_is_not_given_what_another_reads(
    sharing: Api, clock: ManualClock
) -> None:
    sale: Sale = await open_sale()
    manifest = json.dumps({digest_of(CAMPAIGN): CAMPAIGN}).encode()
    await register_documents(sale.shop.id, read_manifest(manifest))
    await update_shop(UpdateShop(shop_id=sale.shop.id, trusted_documents_only=True))

    assert (await sharing.ask(CAMPAIGN, **WHERE)).data
    refused = await sharing.ask(CAMPAIGN + " ", **WHERE)
    assert refused.error_codes == ["DOCUMENT_NOT_TRUSTED"]
    assert kept(sharing) == 1


async def test_a_mutation_is_never_answered_from_what_is_kept(
    sharing: Api, clock: ManualClock
) -> None:
    mutation = 'mutation { eventsRecord(input: {shop: "nobody", events: []}) { __typename } }'
    for _ in range(2):
        await sharing.ask(mutation)
    assert kept(sharing) == 0
