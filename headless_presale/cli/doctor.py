"""The ``doctor`` command: looks at everything, changes nothing."""

import asyncio
from collections.abc import Callable, Sequence

import asyncpg
import httpx
import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console

from headless_presale.audits import (
    Finding,
    audit_database,
    audit_links,
    audit_public_address,
    audit_redis,
    audit_rest,
    audit_secrets,
    is_development,
)
from headless_presale.cli.session import engines
from headless_presale.kernel import clock
from headless_presale.settings import Settings

MOST_SHOWN = 10

console = Console(highlight=False, soft_wrap=True)


def doctor() -> None:
    """Check secrets, engines, gateway and the books; exit 1 if anything is wrong.

    What is merely late, because the worker stands still or orders are coming in, is shown in
    yellow and is no failure; so is a weak secret where nobody but this machine reaches us.
    """
    with engines() as settings:
        is_secret = _secrets_are_secret(settings)
        is_set = _is_set_for_others(settings)
        is_well = asyncio.run(_examine(settings))
    if not (is_well and is_secret and is_set):
        raise typer.Exit(1)


def _secrets_are_secret(settings: Settings) -> bool:
    console.print("[bold]Secrets[/bold]")
    finding = audit_secrets(settings)
    if is_development(settings):
        _warn(finding)
        return True
    return _tell(finding)


def _is_set_for_others(settings: Settings) -> bool:
    """Look at what matters once others than this machine reach us."""
    if is_development(settings):
        return True
    console.print("\n[bold]For others than this machine[/bold]")
    # Orders are placed and paid without it.
    _warn(audit_links(settings))
    return _tell(audit_public_address(settings))


async def _examine(settings: Settings) -> bool:
    assert settings.database_url
    assert settings.redis_url
    console.print("\n[bold]Engines[/bold]")
    is_redis_well = await _redis_answers(settings.redis_url)
    await _gateway_answers(settings.sandbox_gateway_url)
    is_provider_well = await _provider_answers(settings.oidc_issuer)
    connection = await asyncpg.connect(settings.database_url)
    client = Redis.from_url(settings.redis_url, decode_responses=True, socket_timeout=5)
    try:
        version = str(connection.get_server_version()[0])
        _tell(Finding("PostgreSQL answers"), version)
        return await _audit(connection, client if is_redis_well else None) and is_provider_well
    except asyncpg.UndefinedTableError:
        return _tell(Finding("the database is migrated", ("run: headless-presale migrate",)))
    finally:
        await client.aclose()
        await connection.close()


async def _audit(connection: asyncpg.Connection, client: Redis | None) -> bool:
    is_well = _tell_all("The books", await audit_database(connection))
    if client is None:
        return False
    is_well &= _tell_all("Redis beside the database", await audit_redis(connection, client))
    late = await audit_rest(connection, client, now=clock.now())
    _tell_all("At rest, once no orders come in and the worker has worked", late, _warn)
    return is_well


async def _redis_answers(url: str) -> bool:
    client = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return _tell(Finding("Redis answers", (repr(error),)))
    finally:
        await client.aclose()
    return _tell(Finding("Redis answers"))


async def _gateway_answers(url: str | None) -> None:
    if url is None:
        return
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            (await client.get(f"{url}/healthz")).raise_for_status()
    except httpx.HTTPError as error:
        # Orders are kept without it; payments can be started once it is back.
        _warn(Finding("the sandbox gateway answers", (repr(error),)))
    else:
        _tell(Finding("the sandbox gateway answers"))


async def _provider_answers(issuer: str | None) -> bool:
    """Ask the OpenID Connect provider who it is: nobody signs in there if it is somebody else."""
    if issuer is None:
        return True
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    broken: tuple[str, ...] = ()
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = (await client.get(address)).raise_for_status().json()
        if answer.get("issuer") != issuer:
            broken = (f"PRESALE_OIDC_ISSUER must be {answer.get('issuer')!r}, letter by letter",)
    except (httpx.HTTPError, ValueError, AttributeError) as error:
        broken = (f"{address}: {error!r}",)
    return _tell(Finding("the sign-in provider answers and is who it should be", broken))


def _tell(finding: Finding, detail: str = "") -> bool:
    if finding.holds:
        console.print(f"  [green]✓[/green] {finding.sentence} {detail}".rstrip())
    else:
        console.print(f"  [red]✗ {finding.sentence}[/red]")
        _name(finding.broken)
    return finding.holds


def _warn(finding: Finding) -> bool:
    if not finding.holds:
        console.print(f"  [yellow]– not yet: {finding.sentence}[/yellow]")
        _name(finding.broken)
        return False
    return _tell(finding)


def _name(subjects: Sequence[str]) -> None:
    for subject in subjects[:MOST_SHOWN]:
        # An id or an error is shown as it is: brackets in it are no markup.
        console.print(f"      {subject}", markup=False)
    if len(subjects) > MOST_SHOWN:
        console.print("      and more")


def _tell_all(
    title: str, findings: Sequence[Finding], tell: Callable[[Finding], bool] = _tell
) -> bool:
    console.print(f"\n[bold]{title}[/bold]")
    told = [tell(finding) for finding in findings]
    return all(told)
