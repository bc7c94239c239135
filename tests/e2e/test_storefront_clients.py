"""Published JavaScript clients, as they are, take a buyer from a campaign's page to his account."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.shops.models import Shop
from tests.e2e.conftest import Stack
from tests.graphql.customers import REDEEM, REQUEST, mailed_code
from tests.support.node import NodeRun
from tests.support.shop import TERMS, Sale, make_shop, open_sale
from tests.support.staff import sign_in

RunNode = Callable[..., Awaitable[NodeRun]]


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    """Stand at the real moment: sockets and streams go by real time."""
    manual = ManualClock(datetime.now(UTC).replace(microsecond=0))
    with use_clock(manual):
        yield manual


async def open_sale_of_today() -> Sale:
    """Open a sale whose goods ship in three months from the real moment."""
    ships_by = (datetime.now(UTC) + timedelta(days=90)).date()
    batches = [{"capacity": 50, "ships_by": ships_by}]
    return await open_sale(item={"batches": batches}, terms={**TERMS, "ships_by": ships_by})


@pytest.mark.parametrize("client", ["urql", "apollo", "ws", "sse"])
async def test_a_client_runs_the_main_flows_unmodified(
    stack: Stack, node: RunNode, client: str
) -> None:
    sale = await open_sale_of_today()
    url, email = f"{stack.url}/graphql", f"ann-{client}@example.com"

    run = await node(
        f"flow_{client}.mjs",
        url,
        sale.shop.slug,
        sale.campaign.handle,
        str(stack.mail_dir),
        email,
    )

    assert run.code == 0, run.stderr
    assert run.stderr == ""
    (told,) = run.results
    assert told == {
        "campaign": "LIVE",
        "outdated": [
            {"__typename": "TermsOutdatedError", "code": "TERMS_OUTDATED", "currentVersion": 1}
        ],
        "placed": [],
        "same": True,
        "slots": [1],
        "paying": [],
        "statuses": ["AWAITING_PAYMENT", "PAID"],
        "nobody": ["UNAUTHENTICATED"],
        "wrongCode": ["CODE_REFUSED"],
        "me": email,
        "rotated": True,
        "own": "PAID",
        "ended": 1,
    }


async def test_the_files_of_the_docs_make_a_storefront(
    stack: Stack, node: RunNode, tmp_path: Path
) -> None:
    sale = await open_sale_of_today()
    page = Path(__file__).parents[2] / "docs" / "storefront.md"
    given = (sale.shop.slug, sale.campaign.handle, str(stack.mail_dir), "ann-docs@example.com")

    run = await node(
        "storefront_docs.mjs", str(page), str(tmp_path / "built"), f"{stack.url}/graphql", *given
    )

    assert run.code == 0, run.stderr
    assert run.stderr == ""
    (told,) = run.results
    assert told == {
        "campaign": "LIVE",
        "gateways": ["sandbox"],
        "dear": [["PRICE_CHANGED", 10_000]],
        "same": True,
        "types": ["order.placed", "payment.started", "payment.captured", "order.confirmed"],
        "next": "payment.started",
        "foreign": ["ORDER_NOT_FOUND"],
        "wrong": ["CODE_REFUSED"],
        "me": ["ann-docs@example.com", True, [True]],
        "reloaded": [True, True],
        "rotated": True,
        "kept": 0,
        "out": ["UNAUTHENTICATED"],
        "elsewhere": ["UNAUTHENTICATED"],
        "left": ["INVALID_INPUT"],
        "back": None,
        "program": "string",
        "refused": [401, ["UNAUTHENTICATED"]],
        "seen": ["order.placed", 1000],
    }


async def customer_token(stack: Stack, shop: Shop) -> str:
    """Return the access token of a customer who signs in."""
    who = {"shop": shop.slug, "email": "ann@example.com"}
    await stack.shop.post("/graphql", json={"query": REQUEST, "variables": {"input": who}})
    code = await mailed_code(shop, who["email"])
    body = {"query": REDEEM, "variables": {"input": {**who, "code": code}}}
    answer = await stack.shop.post("/graphql", json=body)
    token: str = answer.json()["data"]["signInCodeRedeem"]["accessToken"]
    return token


async def test_the_audit_passes_with_a_token_too(stack: Stack, node: RunNode) -> None:
    shop = await make_shop()
    staff = (await sign_in(shop)).token
    for token in (staff, await customer_token(stack, shop)):
        run = await node("audit.mjs", f"{stack.url}/graphql", token)
        assert run.stdout.splitlines() == ["61 of 61"]
