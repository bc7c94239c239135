"""The README's commands, run as they stand there; the docs' queries, checked."""

import asyncio
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from tests.conftest import SECRET_KEY
from tests.support.commands import run
from tests.support.oauth import World
from tests.support.shop import open_sale

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "docs" / "merchant-api.md").read_text()


def blocks_of(title: str) -> str:
    """Return all commands of a section."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", README, re.M | re.S)
    return "".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S))


def commands() -> list[str]:
    """Return the commands about the shop, its products and its campaigns."""
    blocks = blocks_of("Your own shop")
    names = "shops|import-products|campaigns"
    return re.findall(rf"^\.venv/bin/headless-presale ((?:{names}) .*)$", blocks, re.M)


@pytest.mark.usefixtures("clock")
async def test_a_first_order_pasted_twice_is_one(world: World) -> None:
    await open_sale(shop=world.shop)
    script = blocks_of("A first order").replace("http://127.0.0.1:8000", world.issuer)

    async def paste() -> dict[str, Any]:
        shell = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", script),
            env={**os.environ, "NO_PROXY": "*"},
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await shell.communicate()
        placed: dict[str, Any] = json.loads(printed)["data"]["orderPlace"]
        return placed

    first = await paste()
    assert first["userErrors"] == []
    assert first["order"]["lines"] == [{"slotNumbers": [1]}]
    assert await paste() == first


@pytest.mark.usefixtures("database", "redis")
async def test_the_commands_run_one_after_the_other(
    worker_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": worker_database_url,
        "REDIS_URL": redis_url,
        "PRESALE_SECRET_KEY": SECRET_KEY,
        "PRESALE_DATA_DIR": str(tmp_path),
        "PRESALE_LOG_LEVEL": "ERROR",
        "COLUMNS": "200",
    }
    printed = []
    for command in commands():
        done = await run(environment, *shlex.split(command, comments=True))
        assert done.returncode == 0, (command, done.stderr)
        printed.append(done.stdout)

    assert len(printed) == 8
    whole = "".join(printed)
    for sentence in ("2 products were created", "Published", "has 800 slots", "Added slots 801"):
        assert sentence in whole
    assert "Extended" in printed[-1]


def test_each_query_fits_the_schema() -> None:
    schema = build_schema((ROOT / "schema" / "schema.graphql").read_text())
    found = re.findall(r"^```graphql\n(.*?)^```", PAGE, re.M | re.S)

    assert len(found) >= 4
    for document in found:
        assert validate(schema, parse(document)) == [], document
