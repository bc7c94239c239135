"""Everything private of a storefront, asked by everybody: its customer and whoever holds its token
are let in, for all others it does not exist.

Fields, arguments and inputs are read from the schema itself; ``examples`` says what to ask with.
Refused means: the same answer as for what does not exist, nothing changed, nothing disclosed.
"""

import json
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type

from headless_presale.customers import CustomerPrincipal
from headless_presale.orders import CustomerAccess
from resolvers.context import RequestContext
from tests.graphql.admin.tenancy.declared import (
    GRAPHQL,
    id_places,
    ids_in,
    replaced,
    requirement_of,
)
from tests.graphql.storefront.matrix.asking import (
    NOT_THERE,
    Asker,
    is_for_customers,
    leaks,
    mutation_query,
    opens,
    read_query,
    refusal,
    roots,
)
from tests.graphql.storefront.matrix.examples import (
    MUTATIONS,
    OPEN_MUTATIONS,
    OPEN_READS,
    OPEN_SUBSCRIPTIONS,
    PRIVATE_TYPES,
    READS,
    SUBSCRIPTIONS,
    Example,
)
from tests.graphql.storefront.matrix.world import World, nowhere


def test_every_field_has_an_example_or_is_open() -> None:
    assert set(roots("Mutation")) == MUTATIONS.keys() | OPEN_MUTATIONS.keys()
    assert MUTATIONS.keys() & OPEN_MUTATIONS.keys() == set()
    assert set(roots("Query")) == READS.keys() | OPEN_READS.keys()
    assert set(roots("Subscription")) == SUBSCRIPTIONS.keys() | OPEN_SUBSCRIPTIONS.keys()


def test_what_is_for_customers_is_not_called_open() -> None:
    guarded = {name for name, field in roots("Mutation").items() if is_for_customers(field)}
    assert guarded & OPEN_MUTATIONS.keys() <= {"cartClaim"}


async def test_every_id_that_an_input_can_hold_is_in_an_example(world: World) -> None:
    for name, examples in MUTATIONS.items():
        type_ = roots("Mutation")[name].args["input"].type
        given = {
            place for example in examples for _, place in ids_in(example.body(world.own), type_)
        }
        missing = set(id_places(type_)) - given
        # Lines name items, which are for everybody to see.
        assert missing <= {("lines", "*", "campaignItemId")}, name


def test_nothing_private_is_reached_from_what_is_open() -> None:
    ahead = [
        get_named_type(field.type)
        for kind, names in (("Query", OPEN_READS), ("Subscription", OPEN_SUBSCRIPTIONS))
        for name, field in roots(kind).items()
        if name in names
    ]
    seen: set[str] = set()
    while ahead:
        type_ = ahead.pop()
        if isinstance(type_, GraphQLInterfaceType):
            ahead += GRAPHQL.get_possible_types(type_)
        elif isinstance(type_, GraphQLObjectType) and type_.name not in seen:
            seen.add(type_.name)
            ahead += [
                get_named_type(field.type)
                for field in type_.fields.values()
                if requirement_of(field) is None
            ]
    # A look at what it walks
    assert {"Campaign", "CampaignItem", "Product"} <= seen
    assert seen & PRIVATE_TYPES == set()


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_mutation_is_for_those_it_is_for(asker: Asker, name: str) -> None:
    field, query, world = roots("Mutation")[name], mutation_query(name), asker.world
    for example in MUTATIONS[name]:
        await asker.put_back()
        before, rows = await asker.state(), await asker.rows()
        for who, caller in world.callers.items():
            given = asker.given(example, caller)
            if opens(example, caller, world):
                continue
            code = refusal(field, caller)
            reply = await asker.ask(query, caller, input=given)
            assert leaks(reply, world.own, known=json.dumps(given)) == [], (who, reply.body)
            if code is not None:
                assert reply.refusal(name) == code, (who, reply.body)
                assert reply.body.get("data") is None, who
                continue
            if not names_something(name, example, world):
                # It is done in his own, and only there.
                assert reply.refusal(name) == example.says, (who, reply.body)
                await _is_as_it_was(asker, rows)
                await asker.put_back()
                continue
            assert str(reply.refusal(name)).endswith(NOT_THERE), (who, reply.body)
            unknown = await asker.ask(query, caller, input=elsewhere(name, given))
            assert _blank(reply, given) == _blank(unknown, elsewhere(name, given)), who
        # And nothing has changed.
        assert await asker.state() == before

        for who, caller in world.callers.items():
            if opens(example, caller, world) and refusal(field, caller) is None:
                await asker.put_back()
                reply = await asker.ask(query, caller, input=asker.given(example, caller))
                assert reply.refusal(name) == example.says, (who, reply.body)


def names_something(name: str, example: Example, world: World) -> bool:
    """Tell whether an example names something that is somebody's."""
    return bool(private_places(name, example.body(world.own), world))


def private_places(name: str, given: dict[str, Any], world: World) -> list[tuple[str | int, ...]]:
    """Return where an input names something of the first customer's."""
    found = []
    for place, _ in ids_in(given, roots("Mutation")[name].args["input"].type):
        value: Any = given
        for part in place:
            value = value[part]
        if value in world.own.private_ids:
            found.append(place)
    return found


def elsewhere(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return an input that names things that there are not, in the same places."""
    for place, told in ids_in(given, roots("Mutation")[name].args["input"].type):
        if told[-1] != "campaignItemId":
            value: Any = given
            for part in place:
                value = value[part]
            given = replaced(given, place, nowhere(value))
    return given


def _blank(reply: Any, given: dict[str, Any]) -> str:
    text = json.dumps(reply.body)
    for value in given.values():
        if isinstance(value, str) and len(value) > 30:
            text = text.replace(value, "<id>")
    return text


async def _is_as_it_was(asker: Asker, rows: dict[str, frozenset[str]]) -> None:
    """Check that of the first customer's rows none is gone and none has come."""
    own, after = str(asker.world.own.customer_id), await asker.rows()
    for table in {*rows, *after}:
        changed = rows.get(table, frozenset()) ^ after.get(table, frozenset())
        assert [row for row in changed if own in row] == [], table


@pytest.mark.parametrize("name", READS)
async def test_a_field_is_for_those_it_is_for(asker: Asker, name: str) -> None:
    field, world = roots("Query")[name], asker.world
    before = await asker.state()
    for example in READS[name]:
        for who, caller in world.callers.items():
            given = asker.given(example, caller)
            reply = await asker.ask(read_query("Query", name, given), caller, **given)
            code = refusal(field, caller)
            if opens(example, caller, world):
                assert "errors" not in reply.body, (who, reply.body)
                # A look at what is looked for: it is in the answer to those it is for.
                assert leaks(reply, world.own) != [], who
                continue
            assert leaks(reply, world.own, known=json.dumps(given)) == [], (who, reply.body)
            if code is not None:
                assert reply.error_codes[0] == code, (who, reply.body)
            elif given:
                # Exactly as what does not exist
                assert reply.body["data"] == {name: None}, (who, reply.body)
                assert "errors" not in reply.body, (who, reply.body)
            else:
                assert "errors" not in reply.body, (who, reply.body)
    assert await asker.state() == before


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
async def test_a_subscription_is_for_those_it_is_for(asker: Asker, name: str) -> None:
    field, world = roots("Subscription")[name], asker.world
    for example in SUBSCRIPTIONS[name]:
        for who, caller in world.callers.items():
            given = asker.given(example, caller)
            said = await asker.follow(read_query("Subscription", name, given), caller, **given)
            if opens(example, caller, world):
                assert said is None, who
            else:
                assert said == (refusal(field, caller) or "ORDER_NOT_FOUND"), who


async def test_nothing_private_is_a_node(asker: Asker) -> None:
    world = asker.world
    for caller in world.callers.values():
        for id_ in world.own.private_ids:
            query = "query ($id: ID!) { node(id: $id) { __typename } }"
            reply = await asker.ask(query, caller, id=id_)
            assert reply.body["data"] == {"node": None}


async def test_control_an_order_without_its_guard_is_found(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CustomerAccess, "opens", lambda self, order: True)

    with pytest.raises(AssertionError):
        await test_a_field_is_for_those_it_is_for(asker, "order")
    with pytest.raises(AssertionError):
        await test_a_mutation_is_for_those_it_is_for(asker, "orderCancel")
    with pytest.raises(AssertionError):
        await test_a_subscription_is_for_those_it_is_for(asker, "orderTracking")


async def test_control_a_customer_who_is_taken_for_another_is_found(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a look at who asks that takes every customer for the first
    world, authenticate = asker.world, RequestContext.authenticate_customer
    own = world.callers["own customer"]

    async def mistaken(self: RequestContext) -> CustomerPrincipal:
        found = await authenticate(self)
        if found.customer.id != world.own.customer_id:
            found.customer.id = world.own.customer_id
        return found

    monkeypatch.setattr(RequestContext, "authenticate_customer", mistaken)

    assert own.is_customer
    for name in ("addressRemove", "cartLineRemove"):
        with pytest.raises(AssertionError):
            await test_a_mutation_is_for_those_it_is_for(asker, name)
