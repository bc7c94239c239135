"""Asking as somebody, and what has to come of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from graphql import get_named_type, is_required_argument

from headless_presale.campaigns import forget_all
from tests.graphql.admin.tenancy import snapshot
from tests.graphql.admin.tenancy.declared import (
    Path,
    Requirement,
    mutations,
    selection_of,
)
from tests.graphql.admin.tenancy.examples import ARGUMENTS
from tests.graphql.admin.tenancy.world import House, World
from tests.graphql.endpoint import Api, Reply
from tests.support.staff import Caller


@dataclass(slots=True)
class Asker:
    """Asks one thing as many people; ``checks`` counts the questions."""

    api: Api
    world: World
    admin: asyncpg.Connection
    checks: int = 0

    def callers(self, needed: Requirement) -> Mapping[str, Caller | str | None]:
        """Return everybody: also the clients that have what is needed alone, or lack a part."""
        scopes = sorted(needed.scopes)
        without = {f"client without {scope}": self.world.lacking[scope] for scope in scopes}
        with_alone = self.world.holding[needed.scopes]
        return {**self.world.callers, "client with the scopes alone": with_alone, **without}

    async def ask(self, query: str, caller: Caller | str | None, **variables: Any) -> Reply:
        """Send an operation as somebody."""
        self.checks += 1
        bearer = caller.token if isinstance(caller, Caller) else caller
        return await self.api.ask(query, bearer=bearer, **variables)

    async def state(self) -> snapshot.State:
        """Return what the database holds, to be compared with what it holds later."""
        return await snapshot.state(self.admin)

    async def rows(self) -> dict[str, frozenset[str]]:
        """Return every row there is."""
        return await snapshot.rows(self.admin)

    async def put_back(self) -> None:
        """Put the world back as it was."""
        await snapshot.restore(self.admin)
        forget_all()


def refusal(caller: Caller | str | None, needed: Requirement) -> str | None:
    """Return the code that a caller has to be refused with; None if he has to be let in."""
    if not isinstance(caller, Caller):
        return "UNAUTHENTICATED"
    if not needed.scopes <= caller.scopes:
        return "FORBIDDEN"
    return "FORBIDDEN" if needed.all_shops and caller.is_limited else None


def mutation_query(name: str) -> str:
    """Return the operation that sends a mutation and reads all of its answer."""
    field = mutations()[name]
    type_ = field.args["input"].type
    payload = get_named_type(field.type)
    inner = selection_of(payload)[2:-2].replace("userErrors { __typename }", "")
    return (
        f"mutation ($input: {type_}) {{ {name}(input: $input) {{ {inner} "
        "userErrors { __typename code message field } } }"
    )


def path_query(path: Path, house: House) -> tuple[str, dict[str, Any]]:
    """Return the operation that reads a field along its path, and the variables it needs."""
    variables: dict[str, Any] = {}
    declared: list[str] = []
    opened, closed = "", ""
    for step in path:
        given = []
        for name, argument in step.field.args.items():
            key = f"{step.key}({name})"
            if key not in ARGUMENTS:
                assert not is_required_argument(argument), f"{key} has no example"
                continue
            variable = f"v{len(variables)}"
            variables[variable] = ARGUMENTS[key](house)
            declared.append(f"${variable}: {argument.type}")
            given.append(f"{name}: ${variable}")
        opened += f"{{ {step.name}{'(' + ', '.join(given) + ')' if given else ''} "
        closed += " }"
    head = f"query ({', '.join(declared)}) " if declared else "query "
    return f"{head}{opened}{selection_of(path[-1].field.type)}{closed}", variables


def found_at(reply: Reply, path: Path) -> list[Any]:
    """Return what an answer holds at the end of a path; lists on the way are gone through."""
    found = [reply.body.get("data")]
    for step in path:
        below: list[Any] = []
        for value in found:
            for item in value if isinstance(value, list) else [value]:
                if item is not None and item.get(step.name) is not None:
                    below.append(item[step.name])
        found = below
    return found


def holds_something(values: list[Any]) -> bool:
    """Tell whether there is anything but empty lists and names of types."""
    return any(map(_holds, values))


def _holds(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds(inner) for name, inner in value.items() if name != "__typename")
    if isinstance(value, list):
        return any(map(_holds, value))
    return value is not None and not isinstance(value, bool) and value != 0


def leaks(reply: Reply, house: House, known: str = "") -> list[str]:
    """Return what of a house stands in an answer, besides what the question said itself."""
    text = json.dumps(reply.body, ensure_ascii=False)
    secrets = [f"of {house.mark}", f"{house.mark}.example", f"@{house.mark}-", *house.ids.values()]
    return [secret for secret in secrets if secret in text and secret not in known]
