"""Asking as somebody, and what has to come of it."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import asyncpg
from graphql import GraphQLField, get_named_type

from headless_presale.campaigns import forget_all
from schema.permissions import CustomerOnly
from schema.transport.errors import root_cause
from tests.graphql.admin.tenancy import snapshot
from tests.graphql.admin.tenancy.declared import GRAPHQL, requirement_of, selection_of
from tests.graphql.endpoint import Api, Reply
from tests.graphql.storefront.matrix.examples import Example
from tests.graphql.storefront.matrix.world import OWN, Caller, House, World

KEPT = "saved_customers"
TOKENS = ("token", "cartToken")
NOT_THERE = ("NOT_FOUND", "INVALID_INPUT", "BUYER_MISMATCH")
"""How refusals end that do not tell whether there is such a thing; the same for one that is not."""


@dataclass(slots=True)
class Asker:
    """Asks one thing as many people; ``checks`` counts the questions."""

    api: Api
    world: World
    admin: asyncpg.Connection
    checks: int = 0

    async def ask(
        self, query: str, caller: Caller, *, origin: str | None = None, **variables: Any
    ) -> Reply:
        """Send an operation as somebody, from a page of another site where one is given."""
        self.checks += 1
        return await self.api.ask(query, bearer=caller.bearer, origin=origin, **variables)

    async def follow(
        self, query: str, caller: Caller, *, origin: str | None = None, **variables: Any
    ) -> str | None:
        """Return the code that the first message of a subscription is refused with, or None."""
        self.checks += 1
        following = self.api.follow(query, bearer=caller.bearer, origin=origin, **variables)
        async with aclosing(following) as stream:
            outcome = await asyncio.wait_for(anext(stream), 30)
        if outcome.errors is None:
            return None
        assert outcome.data is None
        return str(getattr(root_cause(outcome.errors[0]), "code", outcome.errors))

    def given(self, example: Example, caller: Caller) -> dict[str, Any]:
        """Return an example of the first customer's as somebody sends it: with his tokens."""
        body = example.body(self.world.own)
        if caller.tokens is None:
            return {name: value for name, value in body.items() if name not in TOKENS}
        if caller.tokens != OWN:
            other = example.body(self.world.houses[caller.tokens])
            body |= {name: other[name] for name in TOKENS if name in body}
        return body

    async def state(self) -> snapshot.State:
        """Return what the database holds, to be compared with what it holds later."""
        return await snapshot.state(self.admin, KEPT)

    async def rows(self) -> dict[str, frozenset[str]]:
        """Return every row there is."""
        return await snapshot.rows(self.admin)

    async def put_back(self) -> None:
        """Put the world back as it was."""
        await snapshot.restore(self.admin, KEPT)
        forget_all()


def roots(kind: str) -> dict[str, GraphQLField]:
    """Return the root fields of ``Query``, ``Mutation`` or ``Subscription`` that are no merchant's.

    Read from the schema itself, so that a new one is met the day it is there.
    """
    root = GRAPHQL.type_map[kind]
    return {
        name: field
        for name, field in root.fields.items()  # type: ignore[attr-defined]
        if requirement_of(field) is None
    }


def is_for_customers(field: GraphQLField) -> bool:
    """Tell whether a field says that it is for customers."""
    said = field.extensions["strawberry-definition"].directives
    return any(isinstance(directive, CustomerOnly) for directive in said)


def opens(example: Example, caller: Caller, world: World) -> bool:
    """Tell whether somebody gets at what an example of the first customer's names."""
    if caller.tokens == OWN and "token" in example.opened_by:
        return True
    is_own = caller.bearer == world.own.bearer and caller.tokens is None
    return is_own and "customer" in example.opened_by


def refusal(field: GraphQLField, caller: Caller) -> str | None:
    """Return the code with which somebody is refused at the door; None if he is let as far as
    the thing itself."""
    if caller.is_ended and caller.tokens is None:
        return "UNAUTHENTICATED"
    if is_for_customers(field) and not caller.is_customer:
        return "UNAUTHENTICATED"
    return None


def mutation_query(name: str) -> str:
    """Return the operation that sends a mutation and reads all of its answer."""
    field = roots("Mutation")[name]
    inner = selection_of(get_named_type(field.type))[2:-2]
    inner = inner.replace("userErrors { __typename }", "")
    return (
        f"mutation ($input: {field.args['input'].type}) {{ {name}(input: $input) {{ {inner} "
        "userErrors { __typename code message field } } }"
    )


def read_query(kind: str, name: str, given: dict[str, Any]) -> str:
    """Return the operation that reads, or follows, a root field."""
    field = roots(kind)[name]
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
    handed = ", ".join(f"{argument}: ${argument}" for argument in given)
    head = f"{kind.lower()} ({declared})" if given else kind.lower()
    called = f"{name}({handed})" if given else name
    return f"{head} {{ {called} {selection_of(field.type)} }}"


def leaks(reply: Reply, house: House, known: str = "") -> list[str]:
    """Return what of a customer stands in an answer, besides what the question said itself."""
    text = json.dumps(reply.body, ensure_ascii=False)
    secrets = [f"of {house.mark}", *house.private_ids, *house.tokens.values()]
    return [secret for secret in secrets if secret in text and secret not in known]
