"""A receiver that listens, and a way out that reaches it."""

from collections.abc import AsyncIterator

import pytest

from tests.support.receiver import Receiver, open_outlet, receiving


@pytest.fixture
async def receiver(database: str) -> AsyncIterator[Receiver]:
    """Let a merchant's system listen for one test."""
    async with receiving() as listening, open_outlet():
        yield listening
