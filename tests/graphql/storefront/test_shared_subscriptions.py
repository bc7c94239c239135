"""Subscriptions that are run once for many: who may see what, and who sees nothing of another."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from headless_presale.checkout import place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import cancel_order
from headless_presale.shops import Shop
from resolvers import shop_directory
from resolvers.context import RequestContext
from resolvers.global_ids import seal
from resolvers.shop_directory import ShopDirectory
from schema.contract import schema
from schema.transport.errors import root_cause
from schema.transport.execution import Outcome
from schema.transport.requests import OperationRequest
from tests.graphql.customers import Storefront
from tests.graphql.endpoint import Api
from tests.graphql.following import TRACKING, following
from tests.graphql.storefront.test_subscriptions import AVAILABILITY, PROGRESS, left
from tests.support.shop import Sale, open_sale, order_for
from tests.support.staff import sign_in

OURS = "https://forge.example"
FOREIGN = "https://evil.example"
SHARED = {"campaignAvailability", "campaignProgress"}


class Followers:
    """Callers of one application, all of whom know shops from one place."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.directory = ShopDirectory()

    def follow(
        self, query: str, context: RequestContext, **variables: Any
    ) -> "aclosing[AsyncGenerator[Outcome, None]]":
        graphql = self.api.graphql
        operation = graphql.engine.prepare(OperationRequest(query, variables))
        return aclosing(graphql.streams.stream(operation, context))

    async def caller(
        self, bearer: str | None = None, origin: str | None = None, locale: str = "en"
    ) -> RequestContext:
        context = await self.api.context(locale, bearer=bearer, origin=origin)
        context.shops = self.directory.seen_from(origin)
        return context

    @property
    def runs(self) -> int:
        return len(self.api.graphql.streams)


@pytest.fixture
def followers(api: Api) -> Followers:
    return Followers(api)


async def refusal_of(stream: AsyncGenerator[Outcome, None]) -> str:
    outcome = await asyncio.wait_for(anext(stream), 30)
    assert outcome.data is None
    assert outcome.errors is not None
    return str(getattr(root_cause(outcome.errors[0]), "code", None))


async def test_each_is_answered_by_what_he_may_and_only_equals_share(
    followers: Followers,
    storefront: Storefront,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a shop that may be used from its own page alone
    monkeypatch.setattr(shop_directory, "REMEMBER_SECONDS", 0.0)
    sale = await open_sale(shop=storefront.shop, capacity=9)
    await Shop.filter(id=sale.shop.id).update(storefront_origins=[OURS])
    customer = (await storefront.sign_in())["accessToken"]
    staff = (await sign_in(sale.shop)).token
    callers = {
        "somebody": await followers.caller(),
        "another": await followers.caller(),
        "a customer": await followers.caller(customer),
        "in Chinese": await followers.caller(locale="zh"),
        "its page": await followers.caller(origin=OURS),
        "a strange page": await followers.caller(origin=FOREIGN),
        "its staff": await followers.caller(staff),
    }
    async with AsyncExitStack() as stack:
        streams = {
            name: await stack.enter_async_context(
                followers.follow(AVAILABILITY, context, id=seal("Campaign", sale.campaign.id))
            )
            for name, context in callers.items()
        }
        # Then the strange page is refused while all others are answered
        assert await refusal_of(streams.pop("a strange page")) == "ORIGIN_NOT_ALLOWED"
        for stream in streams.values():
            assert left(await following(stream)) == [9]
        # And one run serves the first three
        assert followers.runs == 4
        await place_order(order_for(sale))
        for stream in streams.values():
            assert left(await following(stream)) == [9 - 1]
        # When its page may be used no more
        await Shop.filter(id=sale.shop.id).update(storefront_origins=["https://new.example"])
        await place_order(order_for(sale, email="b@example.com"))
        # Then it is told so, and everybody else goes on
        assert await refusal_of(streams.pop("its page")) == "ORIGIN_NOT_ALLOWED"
        for stream in streams.values():
            assert left(await following(stream)) == [9 - 2]
    assert followers.runs == 0


async def test_an_order_is_followed_by_each_for_himself(
    followers: Followers, storefront: Storefront, clock: ManualClock
) -> None:
    # Given an order of a customer, which two who may and three who may not follow
    sale: Sale = await open_sale(shop=storefront.shop)
    order = await place_order(order_for(sale, email="ann@example.com"))
    ann = (await storefront.sign_in("ann@example.com"))["accessToken"]
    ann_elsewhere = (await storefront.sign_in("ann@example.com"))["accessToken"]
    bob = (await storefront.sign_in("bob@example.com"))["accessToken"]
    asked = {"id": seal("Order", order.id)}
    async with AsyncExitStack() as stack:

        async def following_as(bearer: str | None) -> AsyncGenerator[Outcome, None]:
            context = await followers.caller(bearer)
            return await stack.enter_async_context(followers.follow(TRACKING, context, **asked))

        own, elsewhere = await following_as(ann), await following_as(ann_elsewhere)
        for stream in (own, elsewhere):
            assert (await following(stream))["type"] == "order.placed"
        for bearer in (bob, None):
            assert await refusal_of(await following_as(bearer)) == "ORDER_NOT_FOUND"
        assert followers.runs == 0
        # When she signs out in one place and something happens
        await storefront.sign_out(ann)
        await cancel_order(order.id, reason="changed my mind")
        # Then she is told so there, and of what happened in the other
        assert await refusal_of(own) == "UNAUTHENTICATED"
        assert (await following(elsewhere))["type"] == "order.cancelled"


async def test_documents_are_judged_for_each(
    followers: Followers, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a shop that answers registered documents alone, and its staff
    monkeypatch.setattr(shop_directory, "BOUND_REMEMBER_SECONDS", 0.0)
    bound = await open_sale()
    await Shop.filter(id=bound.shop.id).update(trusted_documents_only=True)
    staff = (await sign_in(bound.shop)).token
    id_ = seal("Campaign", bound.campaign.id)
    async with (
        followers.follow(PROGRESS, await followers.caller(staff), id=id_) as theirs,
        followers.follow(PROGRESS, await followers.caller(), id=id_) as strange,
    ):
        # Then its staff is answered and anybody else is refused, though they ask for the same
        assert (await following(theirs))["status"] == "LIVE"
        assert await refusal_of(strange) == "DOCUMENT_NOT_TRUSTED"


def test_what_is_shared_is_named_and_holds_nothing_that_could_look_at_its_caller() -> None:
    root = schema._schema.subscription_type
    assert root is not None
    shared = {name for name, field in root.fields.items() if _definition(field).metadata}
    assert shared == SHARED
    for name in SHARED:
        _check_plain(root.fields[name].type)


def _definition(field: Any) -> StrawberryField:
    found = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    assert isinstance(found, StrawberryField)
    return found


def _check_plain(type_: Any) -> None:
    while isinstance(type_, GraphQLNonNull | GraphQLList):
        type_ = type_.of_type
    if isinstance(type_, GraphQLObjectType):
        for name, field in type_.fields.items():
            assert _definition(field).base_resolver is None, f"{type_.name}.{name}"
            _check_plain(field.type)


async def test_whoever_runs_for_many_is_nobody(api: Api, storefront: Storefront) -> None:
    token = (await storefront.sign_in())["accessToken"]
    context = await api.context("zh", bearer=token, origin=OURS)
    audience, impersonal = context.for_audience()
    hash(audience)
    assert impersonal == RequestContext(
        settings=context.settings,
        hub=context.hub,
        shops=context.shops,
        locale="zh",
        request_id="shared",
        at=impersonal.at,
        loaders=impersonal.loaders,
    )
    assert isinstance(context.claims.grant_id if context.claims else None, UUID)
