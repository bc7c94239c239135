"""Published JavaScript clients, as they are, take a buyer from a campaign's page to his account."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from headless_presale.kernel.clock import ManualClock, use_clock
from headless_presale.shops.models import Shop
from tests.e2e.conftest import Stack
from tests.graphql.customers import REDEEM, REQUEST, mailed_code
from tests.support.node import NodeRun
from tests.support.shop import TERMS, make_shop, open_sale
from tests.support.staff import sign_in

RunNode = Callable[..., Awaitable[NodeRun]]


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    """Stand at the real moment: sockets and streams go by real time."""
    manual = ManualClock(datetime.now(UTC).replace(microsecond=0))
    with use_clock(manual):
        yield manual


@pytest.mark.parametrize("client", ["urql", "apollo", "ws", "sse"])
async def test_a_client_runs_the_main_flows_unmodified(
    stack: Stack, node: RunNode, client: str
) -> None:
    ships_by = (datetime.now(UTC) + timedelta(days=90)).date()
    batches = [{"capacity": 50, "ships_by": ships_by}]
    sale = await open_sale(item={"batches": batches}, terms={**TERMS, "ships_by": ships_by})
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
