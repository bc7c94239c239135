"""A shop, and a store in a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headless_presale.media import MediaStore, open_store, set_store
from headless_presale.shops import Shop
from tests.support.shop import make_shop


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[MediaStore]:
    """Install a store in an empty folder."""
    store = open_store(None, tmp_path / "media")
    set_store(store)
    yield store
    set_store(None)


@pytest.fixture
async def shop(database: str) -> Shop:
    return await make_shop()
