"""The ``doctor`` command: looks at everything, changes nothing."""

import asyncio

import asyncpg
import httpx
import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console

from headless_presale.cli.session import engines
from headless_presale.settings import Settings

console = Console(highlight=False)

AUDITS = {
    "slots sold stay within the capacity": """
        SELECT p.id::text FROM slot_pool p JOIN slot s ON s.pool_id = p.id
        GROUP BY p.id, p.capacity HAVING count(*) <> p.capacity OR max(s.number) <> p.capacity""",
    "an order's slots equal its quantities while it holds or claims them": """
        SELECT o.id::text FROM sales_order o
        WHERE (SELECT coalesce(sum(l.quantity), 0) FROM order_line l WHERE l.order_id = o.id)
          * (o.status NOT IN ('EXPIRED', 'FORFEITED', 'CANCELLED'))::int
          <> (SELECT count(*) FROM slot s WHERE s.order_id = o.id)""",
    "no slot belongs to an order that does not exist": """
        SELECT s.order_id::text FROM slot s
        WHERE s.order_id IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM sales_order o WHERE o.id = s.order_id)""",
    "customers' quotas equal what they own": """
        SELECT q.pool_id || ' ' || q.customer_id FROM customer_quota q
        WHERE q.taken <> (SELECT count(*) FROM slot s JOIN sales_order o ON o.id = s.order_id
                          WHERE s.pool_id = q.pool_id AND o.customer_id = q.customer_id)""",
    "every booking is balanced": """
        SELECT transaction_id::text FROM ledger_entry
        GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0""",
    "refunds never exceed what was captured": """
        SELECT p.id::text FROM payment p JOIN refund r ON r.payment_id = p.id
        GROUP BY p.id, p.amount_minor HAVING sum(r.amount_minor) > p.amount_minor""",
    "a paid order has its captured payments": """
        SELECT o.id::text FROM sales_order o
        WHERE o.status = 'PAID' AND o.total_minor <> (
            SELECT coalesce(sum(p.amount_minor), 0) FROM payment p
            WHERE p.order_id = o.id AND p.status = 'CAPTURED')""",
    "no captured payment differs from what was asked for": """
        SELECT id::text FROM payment WHERE status = 'MISMATCHED'""",
}
"""What must hold at any moment; each query returns the ids that break the sentence."""


def doctor() -> None:
    """Check engines, gateway and the books; exit 1 if anything is wrong."""
    with engines() as settings:
        is_well = asyncio.run(_examine(settings))
    if not is_well:
        raise typer.Exit(1)


async def _examine(settings: Settings) -> bool:
    assert settings.database_url
    assert settings.redis_url
    findings = [
        await _redis_answers(settings.redis_url),
        await _gateway_answers(settings.sandbox_gateway_url),
    ]
    connection = await asyncpg.connect(settings.database_url)
    try:
        findings.append(_tell("PostgreSQL answers", str(connection.get_server_version()[0])))
        for sentence, query in AUDITS.items():
            broken = [row[0] for row in await connection.fetch(query)]
            findings.append(_tell(sentence, "", broken))
    except asyncpg.UndefinedTableError:
        findings.append(_tell("the database is migrated", "", ["run: headless-presale migrate"]))
    finally:
        await connection.close()
    return all(findings)


async def _redis_answers(url: str) -> bool:
    client = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return _tell("Redis answers", "", [repr(error)])
    finally:
        await client.aclose()
    return _tell("Redis answers", "")


async def _gateway_answers(url: str | None) -> bool:
    if url is None:
        return True
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            (await client.get(f"{url}/healthz")).raise_for_status()
    except httpx.HTTPError as error:
        # Orders are kept without it; payments can be started once it is back.
        console.print(f"[yellow]–[/yellow] the sandbox gateway does not answer: {error!r}")
        return True
    return _tell("the sandbox gateway answers", "")


def _tell(sentence: str, detail: str, broken: list[str] | None = None) -> bool:
    if broken:
        console.print(f"[red]✗ {sentence}[/red]: {', '.join(broken[:10])}")
        return False
    console.print(f"[green]✓[/green] {sentence} {detail}".rstrip())
    return True
