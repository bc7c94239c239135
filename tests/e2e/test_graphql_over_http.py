"""The endpoint of the product itself meets the GraphQL-over-HTTP specification."""

import asyncio
from pathlib import Path

from tests.e2e.conftest import Stack
from tests.support.node import NODE_FOLDER, needs_node


@needs_node("graphql-http")
async def test_the_audit_of_graphql_http_passes_in_full(stack: Stack) -> None:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(NODE_FOLDER / "audit.mjs"),
        f"{stack.url}/graphql",
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert printed.decode().splitlines()[-1] == "61 of 61"


async def test_the_schema_is_served_as_it_is_committed(stack: Stack) -> None:
    answer = await stack.shop.get("/schema.graphql")
    committed = Path(__file__).parents[2] / "schema" / "schema.graphql"
    assert answer.text == committed.read_text(encoding="utf-8")
