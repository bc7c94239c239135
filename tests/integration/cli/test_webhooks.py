"""Commands about webhooks, each as a process of its own."""

import re

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.kernel import vault
from headless_presale.webhooks import WebhookDelivery, WebhookEndpoint
from tests.support.commands import run
from tests.support.shop import make_shop

pytestmark = pytest.mark.usefixtures("database", "redis")

SHOP = ("--shop", "moonlit-forge")
URL = "https://erp.example.com/hooks"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """Widen the terminal: an endpoint is one line."""
    return {**environment, "COLUMNS": "250"}


async def test_an_endpoint_is_made_rotated_tested_replayed_turned_off_on_and_removed(
    environment: dict[str, str], database_admin: asyncpg.Connection, redis: Redis
) -> None:
    await make_shop()

    made = await run(
        environment,
        *("webhooks", "create", URL, *SHOP, "--event", "order.*", "--event", "payment.captured"),
        "--this-shop-only",
    )
    assert made.returncode == 0, made.stderr
    endpoint = await WebhookEndpoint.get()
    shown = re.search(r"secret +(whsec_\S+)", made.stdout)
    assert shown is not None
    assert vault.unseal("webhooks", endpoint.secret) == shown[1]
    assert endpoint.event_types == ["order.*", "payment.captured"]
    assert endpoint.shop_ids is not None

    def command(name: str, *words: str) -> tuple[str, ...]:
        return ("webhooks", name, str(endpoint.id), *SHOP, *words)

    for words in (
        command("rotate-secret", "--at-once"),
        command("test"),
        command("replay", "--hours", "2"),
        command("disable"),
        command("enable"),
    ):
        done = await run(environment, *words)
        assert done.returncode == 0, (words, done.stderr)
    jobs = await database_admin.fetch("SELECT task_name FROM procrastinate_jobs ORDER BY id")
    assert [row["task_name"] for row in jobs] == ["webhooks:deliver", "webhooks:replay"]
    assert (await WebhookDelivery.get()).type == "webhook.test"
    listed = await run(environment, "webhooks", "list", *SHOP)
    assert re.search(rf"{URL} .*order\.\* payment\.captured .*1 .*on .*1 .*0", listed.stdout)
    rotated = await WebhookEndpoint.get()
    assert rotated.version == 4
    assert not rotated.previous_secret

    gone = await run(environment, *command("delete"))
    again = await run(environment, *command("test"))

    assert gone.returncode == 0
    assert (again.returncode, "no such webhook endpoint" in again.stderr) == (1, True)


async def test_what_cannot_be_is_one_sentence(environment: dict[str, str]) -> None:
    await make_shop()

    private = await run(
        environment, "webhooks", "create", "https://127.0.0.1/", *SHOP, "--event", "order.*"
    )
    unknown = await run(environment, "webhooks", "create", URL, *SHOP, "--event", "order.eaten")

    assert "public internet" in private.stderr
    assert "there is no event order.eaten" in unknown.stderr
    assert await WebhookEndpoint.all().count() == 0
    # Allowed in development, by its setting.
    allowed = await run(
        {**environment, "PRESALE_WEBHOOKS_ALLOW_PRIVATE": "true"},
        *("webhooks", "create", "http://127.0.0.1:3000/", *SHOP, "--event", "order.*"),
    )
    assert allowed.returncode == 0, allowed.stderr
