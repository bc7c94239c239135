"""Every merchant field and mutation, asked by everybody: let in or refused exactly as declared.

The fields, what they require and where ids stand is read from the schema itself; ``examples`` says
what to ask with. Refused means: the declared code, nothing changed, nothing disclosed. Let in with
somebody else's id means: the same answer as for an id that nothing has.
"""

import json
from typing import Any

import pytest

from tests.graphql.admin.tenancy.asking import (
    Asker,
    found_at,
    holds_something,
    leaks,
    mutation_query,
    path_query,
    refusal,
)
from tests.graphql.admin.tenancy.declared import (
    guarded_fields,
    guarded_paths,
    id_places,
    ids_in,
    mutations,
    replaced,
    requirement_of,
)
from tests.graphql.admin.tenancy.examples import ARGUMENTS, GIVES, MAY_BE_EMPTY, MUTATIONS
from tests.graphql.admin.tenancy.world import World, nowhere
from tests.graphql.endpoint import Api
from tests.support.staff import Caller

PATHS = guarded_paths()
NOT_THERE = ("NOT_FOUND", "INVALID_INPUT")


def test_every_mutation_has_an_example_and_nothing_else_has() -> None:
    assert set(MUTATIONS) == set(mutations())


def test_every_guarded_field_is_reached_by_a_query() -> None:
    assert set(PATHS) == guarded_fields()


async def test_every_id_that_an_input_can_hold_is_in_an_example(world: World) -> None:
    for name, field in mutations().items():
        type_ = field.args["input"].type
        given = {
            place for example in MUTATIONS[name] for _, place in ids_in(example(world.ours), type_)
        }
        assert given == set(id_places(type_)), name


async def test_every_id_that_an_argument_can_hold_is_in_an_example(world: World) -> None:
    for path in PATHS.values():
        for name, argument in path[-1].field.args.items():
            places = set(id_places(argument.type))
            if not places:
                continue
            key = f"{path[-1].key}({name})"
            assert key in ARGUMENTS, f"{key} has no example"
            given = {place for _, place in ids_in(ARGUMENTS[key](world.ours), argument.type)}
            assert given == places, key


@pytest.mark.parametrize("name", mutations())
async def test_a_mutation_is_for_those_who_may(asker: Asker, name: str) -> None:
    needed = requirement_of(mutations()[name])
    assert needed is not None
    query = mutation_query(name)
    callers = asker.callers(needed)
    for example in MUTATIONS[name]:
        await asker.put_back()
        before = await asker.state()
        for who, caller in callers.items():
            code = refusal(caller, needed)
            if code is None:
                continue
            reply = await asker.ask(query, caller, input=example(asker.world.ours))
            # Refused as declared, nothing disclosed.
            assert reply.refusal(name) == code, (who, reply.body)
            assert reply.body.get("data") is None, who
            assert leaks(reply, asker.world.ours) == [], who
        # And nothing has changed.
        assert await asker.state() == before

        for who in [who for who, caller in callers.items() if refusal(caller, needed) is None]:
            await asker.put_back()
            caller = callers[who]
            assert isinstance(caller, Caller)
            house = asker.world.ours
            if caller.grant.merchant_id == house.shop.merchant_id and not caller.is_limited:
                reply = await asker.ask(query, caller, input=example(house))
                if GIVES.get(name, frozenset()) <= caller.scopes:
                    assert reply.refusal(name) is None, (who, reply.body)
                    continue
                assert reply.refusal(name) == "SCOPES_EXCEEDED", (who, reply.body)
                assert await asker.state() == before
                continue
            await _answers_as_if_it_were_not_there(asker, name, caller, example(house))


@pytest.mark.parametrize("name", mutations())
async def test_an_id_of_somebody_else_is_an_id_of_nothing(asker: Asker, name: str) -> None:
    needed = requirement_of(mutations()[name])
    assert needed is not None
    type_ = mutations()[name].args["input"].type
    query = mutation_query(name)
    world = asker.world
    for example in MUTATIONS[name]:
        own = example(world.ours)
        before = await asker.state()
        for place, _ in ids_in(own, type_):
            ours = _at(own, place)
            answers = {}
            for kind, other in {
                "theirs": world.counterpart(ours),
                "nobody's": nowhere(ours),
            }.items():
                reply = await asker.ask(query, world.ours.owner, input=replaced(own, place, other))
                assert reply.refusal(name) is not None, (kind, place)
                assert str(reply.refusal(name)).endswith(NOT_THERE), (kind, reply.body)
                assert leaks(reply, world.theirs, known=other) == []
                answers[kind] = json.dumps(reply.body).replace(other, "<id>")
            assert answers["theirs"] == answers["nobody's"]
            assert await asker.state() == before


async def _answers_as_if_it_were_not_there(
    asker: Asker, name: str, caller: Caller, own: dict[str, Any]
) -> None:
    """Ask with the ids of a house that is not the caller's."""
    type_ = mutations()[name].args["input"].type
    before = await asker.rows()
    reply = await asker.ask(mutation_query(name), caller, input=own)
    assert leaks(reply, asker.world.ours, known=json.dumps(own)) == []
    if list(ids_in(own, type_)):
        assert str(reply.refusal(name)).endswith(NOT_THERE), reply.body
        assert await asker.rows() == before
        return
    # Nothing in it names the house: it is done in the caller's own, and only there.
    shop, after = asker.world.ours.shop, await asker.rows()
    gone = {row for table, rows in before.items() for row in rows - after.get(table, frozenset())}
    assert [r for r in gone if str(shop.id) in r or str(shop.merchant_id) in r] == []


def _at(value: Any, place: tuple[str | int, ...]) -> str:
    for part in place:
        value = value[part]
    return str(value)


@pytest.mark.parametrize("key", PATHS)
async def test_a_field_is_for_those_who_may(asker: Asker, key: str) -> None:
    path, world = PATHS[key], asker.world
    needed = [step.requirement for step in path if step.requirement is not None]
    query, variables = path_query(path, world.ours)
    before = await asker.state()
    for who, caller in asker.callers(needed[-1]).items():
        code = next((c for need in needed if (c := refusal(caller, need))), None)
        reply = await asker.ask(query, caller, **variables)
        found = found_at(reply, path)
        if code is not None:
            assert "errors" in reply.body, (who, reply.body)
            assert reply.error_codes[0] == code, (who, reply.body)
            assert not found, who
            continue
        assert "errors" not in reply.body, (who, reply.body)
        assert isinstance(caller, Caller)
        if caller.grant.merchant_id != world.ours.shop.merchant_id:
            assert leaks(reply, world.ours, known=json.dumps(variables)) == [], who
        elif who == "owner" and key not in MAY_BE_EMPTY:
            assert holds_something(found), (key, reply.body)
        elif caller.is_limited and "shop" in [step.name for step in path]:
            assert not found, who
    assert await asker.state() == before


@pytest.mark.parametrize(
    "key",
    [
        key
        for key, path in PATHS.items()
        if any(list(id_places(argument.type)) for argument in path[-1].field.args.values())
    ],
)
async def test_an_argument_that_names_somebody_elses_finds_nothing(asker: Asker, key: str) -> None:
    path, world = PATHS[key], asker.world
    query, variables = path_query(path, world.ours)
    offset = len(variables) - sum(
        f"{path[-1].key}({name})" in ARGUMENTS for name in path[-1].field.args
    )
    names = [name for name in path[-1].field.args if f"{path[-1].key}({name})" in ARGUMENTS]
    for position, name in enumerate(names):
        variable = f"v{offset + position}"
        type_ = path[-1].field.args[name].type
        for place, _ in ids_in(variables[variable], type_):
            ours = _at(variables[variable], place)
            answers = []
            for other in (world.counterpart(ours), nowhere(ours)):
                asked = {**variables, variable: replaced(variables[variable], place, other)}
                reply = await asker.ask(query, world.ours.owner, **asked)
                assert leaks(reply, world.theirs, known=other) == []
                answers.append(json.dumps(reply.body).replace(other, "<id>"))
            assert answers[0] == answers[1]


async def test_control_a_field_without_its_guard_is_found(
    asker: Asker, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a guard that lets everybody who is known do everything
    async def let_in(context: Any, scopes: Any, *, all_shops: bool = False) -> None:
        await context.authenticate()

    monkeypatch.setattr("schema.permissions.require", let_in)

    # Then the matrix sees it at the first field that it asks for
    with pytest.raises(AssertionError):
        await test_a_field_is_for_those_who_may(asker, "Merchant.staff")
    with pytest.raises(AssertionError):
        await test_a_mutation_is_for_those_who_may(asker, "staffDeactivate")
