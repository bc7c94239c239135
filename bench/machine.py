"""What figures were measured on: the machine, and the version of everything that takes part."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import asyncpg
from redis.asyncio import Redis

from bench import wrk

PACKAGES = (
    *("uvicorn", "uvloop", "httptools", "starlette", "strawberry-graphql", "graphql-core"),
    *("asyncpg", "tortoise-orm", "redis", "hiredis", "orjson", "websockets"),
)


async def describe(database_url: str, redis_url: str) -> dict[str, Any]:
    """Return both, as they go into the file; ``load_before`` is that of the last minute."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_mb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": os.getloadavg()[0],
        "versions": {
            "Python": platform.python_version(),
            "PostgreSQL": await _postgres(database_url),
            "Valkey": await _valkey(redis_url),
            "wrk": _wrk(),
            **{name: found for name in PACKAGES if (found := _package(name))},
        },
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


async def _postgres(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


async def _valkey(url: str) -> str:
    client = Redis.from_url(url)
    try:
        told: dict[str, Any] = await client.info("server")
    finally:
        await client.aclose()
    return str(told.get("valkey_version") or told["redis_version"])


def _wrk() -> str:
    # It tells its version with its usage, as a failure.
    said = subprocess.run(
        [wrk.program(), "--version"], env=wrk.environment(), capture_output=True, text=True
    )
    return said.stdout.split(" [")[0].removeprefix("wrk ").strip()


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
