"""Commands about the documents of a shop, each as a process of its own."""

import json
import re
from pathlib import Path

import pytest

from headless_presale.documents import list_digests
from schema.transport.persisted import digest_of
from tests.support.commands import run
from tests.support.shop import make_shop

pytestmark = pytest.mark.usefixtures("database", "redis")

SHOP = ("--shop", "moonlit-forge")
QUERY = "query Front { serverTime }"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """Widen the terminal: a document is one line."""
    return {**environment, "COLUMNS": "200"}


async def test_documents_are_registered_shown_and_taken_out(
    environment: dict[str, str], tmp_path: Path
) -> None:
    shop = await make_shop()
    manifest = tmp_path / "persisted-documents.json"
    manifest.write_text(json.dumps({digest_of(QUERY): QUERY}))

    made = await run(environment, "documents", "import", str(manifest), *SHOP)
    assert (made.returncode, made.stderr) == (0, "")
    assert "Registered 1 of 1 documents" in made.stdout
    assert await list_digests(shop.id) == {digest_of(QUERY)}
    listed = await run(environment, "documents", "list", *SHOP)
    assert re.search(rf"Front .*{digest_of(QUERY)}", listed.stdout)
    assert "trustedDocumentsOnly is off" in listed.stdout

    removed = await run(environment, "documents", "remove", digest_of(QUERY), *SHOP)
    assert removed.returncode == 0, removed.stderr
    assert await list_digests(shop.id) == frozenset()


async def test_of_a_manifest_with_a_fault_nothing_is_registered(
    environment: dict[str, str], tmp_path: Path
) -> None:
    shop = await make_shop()
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"a": QUERY, "b": "query Old { shop { gone } }"}))

    made = await run(environment, "documents", "import", str(manifest), *SHOP)

    assert made.returncode == 1
    assert "Old: Cannot query field 'gone' on type 'Shop'." in made.stdout
    assert "Nothing was registered." in made.stdout
    assert await list_digests(shop.id) == frozenset()
