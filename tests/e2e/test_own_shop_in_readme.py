"""The README's commands for a shop of one's own, run as they stand; the docs' queries, checked."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from tests.conftest import SECRET_KEY

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = ("storefront-api.md", "merchant-api.md")


def commands() -> list[str]:
    """Return the commands about the shop, its products and its campaigns."""
    (text,) = re.findall(r"^## Your own shop\n(.*?)(?=^## )", README, re.M | re.S)
    blocks = "".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S))
    names = "shops|import-products|campaigns"
    return re.findall(rf"^\.venv/bin/headless-presale ((?:{names}) .*)$", blocks, re.M)


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
        process = await asyncio.create_subprocess_shell(
            f"{sys.executable} -m headless_presale.cli {command}",
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaints = await process.communicate()
        assert process.returncode == 0, (command, complaints.decode())
        printed.append(said.decode())

    assert len(printed) == 8
    whole = "".join(printed)
    for sentence in ("2 products were created", "Published", "has 800 slots", "Added slots 801"):
        assert sentence in whole
    assert "Extended" in printed[-1]


@pytest.mark.parametrize("page", PAGES)
def test_each_query_fits_the_schema(page: str) -> None:
    schema = build_schema((ROOT / "schema" / "schema.graphql").read_text())
    text = (ROOT / "docs" / page).read_text()
    found = re.findall(r"^```graphql\n(.*?)^```", text, re.M | re.S)

    assert len(found) >= 4
    for document in found:
        assert validate(schema, parse(document)) == [], document
