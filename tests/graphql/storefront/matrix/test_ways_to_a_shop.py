"""Every way of a storefront's to a shop: on each one is refused who may not use the shop so.

The ways are the root fields, read from the schema: one that forgets to ask is found the day it is
there, from a page of a site that the shop does not name, and with a document it has not registered.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from headless_presale.documents import read_manifest, register_documents
from headless_presale.shops.models import Shop
from resolvers import shop_directory
from resolvers.shop_directory import ShopsSeen
from schema.transport.persisted import digest_of
from tests.graphql.admin.tenancy.declared import GRAPHQL
from tests.graphql.storefront.matrix.asking import (
    Asker,
    is_for_customers,
    mutation_query,
    read_query,
    roots,
)
from tests.graphql.storefront.matrix.examples import (
    CUSTOMER,
    MUTATIONS,
    OPEN_MUTATIONS,
    OPEN_READS,
    OPEN_SUBSCRIPTIONS,
    READS,
    SUBSCRIPTIONS,
    TOKEN,
    Example,
)
from tests.graphql.storefront.matrix.world import Caller, World

OURS = "https://forge.example"
FOREIGN = "https://evil.example"

DOORS: Mapping[str, Mapping[str, Any]] = {
    "ORIGIN_NOT_ALLOWED": {"storefront_origins": [OURS]},
    "DOCUMENT_NOT_TRUSTED": {"trusted_documents_only": True},
}
"""The code of a refusal, and what a shop is set to so that it is given."""

NO_SHOP = {"serverTime"}
"""What tells nothing of a shop."""
SHOP_IS_LEARNED = "sessionRefresh"
"""Names no shop until it is read, so nobody asks for the page, and it is spent (ADR 0027, 0028)."""
LAST = ("signOut", "orderTokenRevoke", "orderCancel", "customerErase", SHOP_IS_LEARNED)
"""What takes away what the others are asked with."""


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """One thing to ask, as one who may."""

    kind: str
    name: str
    query: str
    variables: dict[str, Any]
    caller: Caller

    async def go(self, asker: Asker, origin: str | None) -> str | None:
        """Return the code of the refusal, or None."""
        if self.kind == "Subscription":
            return await asker.follow(self.query, self.caller, origin=origin, **self.variables)
        reply = await asker.ask(self.query, self.caller, origin=origin, **self.variables)
        if self.kind == "Query" and "errors" not in reply.body:
            assert reply.body["data"][self.name] is not None, self
            return None
        return reply.refusal(self.name)


def ways(asker: Asker) -> list[Way]:
    """Return every way there is."""
    found = [
        _way(asker, kind, name, example, caller)
        for kind in ("Query", "Mutation", "Subscription")
        for name in roots(kind)
        for example in _examples(kind, name)
        for caller in _callers(asker.world, kind, name, example)
    ]
    return sorted(found, key=lambda way: LAST.index(way.name) if way.name in LAST else -1)


def _examples(kind: str, name: str) -> tuple[Example, ...]:
    private = {"Query": READS, "Mutation": MUTATIONS, "Subscription": SUBSCRIPTIONS}[kind]
    if name in private:
        return private[name]
    if kind == "Query":
        return tuple(Example(body) for body in OPEN_READS[name].values())
    return (Example({**OPEN_MUTATIONS, **OPEN_SUBSCRIPTIONS}[name]),)


def _callers(world: World, kind: str, name: str, example: Example) -> Iterator[Caller]:
    names_its_caller = is_for_customers(roots(kind)[name]) or name == "signOut"
    if example.opened_by >= CUSTOMER:
        yield world.callers["own customer"]
    if example.opened_by >= TOKEN and not names_its_caller:
        yield world.callers["guest with the tokens"]


def _way(asker: Asker, kind: str, name: str, example: Example, caller: Caller) -> Way:
    is_open = name in OPEN_MUTATIONS
    given = example.body(asker.world.own) if is_open else asker.given(example, caller)
    if kind == "Mutation":
        return Way(kind, name, mutation_query(name), {"input": given}, caller)
    return Way(kind, name, read_query(kind, name, given), given, caller)


def test_every_kind_of_node_is_among_them() -> None:
    kinds = {kind.name for kind in GRAPHQL.get_possible_types(GRAPHQL.type_map["Node"])}  # type: ignore[arg-type]
    assert OPEN_READS["node"].keys() == kinds


@pytest.fixture
def remember_seconds(monkeypatch: pytest.MonkeyPatch) -> float:
    """Nothing of a shop is remembered here: each change counts with the next request."""
    monkeypatch.setattr(shop_directory, "REMEMBER_SECONDS", 0)
    return 0


def exempt(code: str) -> set[str]:
    """Return what is asked for nothing at a door."""
    return NO_SHOP | ({SHOP_IS_LEARNED} if code == "ORIGIN_NOT_ALLOWED" else set())


async def refusals(asker: Asker, code: str) -> dict[Way, str | None]:
    """Return what each way is answered where it has to be refused."""
    await Shop.filter(id=asker.world.own.shop.id).update(**DOORS[code])
    origin = FOREIGN if code == "ORIGIN_NOT_ALLOWED" else None
    before = await asker.state()
    said = {}
    for way in ways(asker):
        if way.name not in exempt(code):
            said[way] = await way.go(asker, origin)
            if way.name != SHOP_IS_LEARNED:
                assert await asker.state() == before, way
    return said


@pytest.mark.parametrize("code", DOORS)
async def test_who_may_not_use_a_shop_so_is_refused_on_each(asker: Asker, code: str) -> None:
    said = await refusals(asker, code)

    assert {way: said for way, said in said.items() if said != code} == {}
    asked = {(way.kind, way.name) for way in said}
    there = {(kind, name) for kind in ("Query", "Mutation", "Subscription") for name in roots(kind)}
    assert {name for _, name in there - asked} == exempt(code)


async def test_who_may_is_let_in_on_each(asker: Asker) -> None:
    shop_id = asker.world.own.shop.id
    for settings in DOORS.values():
        await Shop.filter(id=shop_id).update(**settings)
    texts = {digest_of(way.query): way.query for way in ways(asker)}
    await register_documents(shop_id, read_manifest(json.dumps(texts).encode()))

    said = {way: await way.go(asker, OURS) for way in ways(asker)}

    assert {way: code for way, code in said.items() if code in {*DOORS, "VARIABLES_INVALID"}} == {}


async def test_control_a_way_that_does_not_ask_is_found(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look_away(*_: object) -> None: ...

    # Orders, carts, campaigns and customers come to a shop by its id.
    monkeypatch.setattr(ShopsSeen, "check_id", look_away)

    with pytest.raises(AssertionError):
        await test_who_may_not_use_a_shop_so_is_refused_on_each(asker, "ORIGIN_NOT_ALLOWED")
