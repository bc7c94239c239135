"""The ``doctor`` command: looks at everything, changes nothing."""

import asyncio

import asyncpg
import httpx
import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console

from headless_presale.audits import Finding, audit_database, audit_redis
from headless_presale.cli.session import engines
from headless_presale.settings import Settings

console = Console(highlight=False)


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
    client = Redis.from_url(settings.redis_url, decode_responses=True, socket_timeout=5)
    try:
        version = str(connection.get_server_version()[0])
        findings.append(_tell(Finding("PostgreSQL answers"), version))
        audited = await audit_database(connection)
        if findings[0]:
            audited += await audit_redis(connection, client)
        findings += [_tell(finding) for finding in audited]
    except asyncpg.UndefinedTableError:
        missing = Finding("the database is migrated", ("run: headless-presale migrate",))
        findings.append(_tell(missing))
    finally:
        await client.aclose()
        await connection.close()
    return all(findings)


async def _redis_answers(url: str) -> bool:
    client = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return _tell(Finding("Redis answers", (repr(error),)))
    finally:
        await client.aclose()
    return _tell(Finding("Redis answers"))


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
    return _tell(Finding("the sandbox gateway answers"))


def _tell(finding: Finding, detail: str = "") -> bool:
    if finding.holds:
        console.print(f"[green]✓[/green] {finding.sentence} {detail}".rstrip())
    else:
        console.print(f"[red]✗ {finding.sentence}[/red]: {', '.join(finding.broken[:10])}")
    return finding.holds
