"""A site, a browser in front of it, and somebody who can sign in there."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tests.support.accounts import make_person
from tests.support.pages import Browser, Site


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Site().browser() as browser:
        yield browser


@pytest.fixture
async def ada(database: str, clock: object) -> UUID:
    """Return the account of Ada, who has a password."""
    return await make_person()
