"""Subscriptions as a storefront follows them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from schema.transport.execution import Outcome

TRACKING = """
subscription ($id: ID!, $token: String, $after: String) {
  orderTracking(orderId: $id, token: $token, after: $after) {
    cursor type at order { status }
  }
}
"""


async def following(stream: AsyncIterator[Outcome]) -> Any:
    """Return the data of the next message."""
    outcome = await asyncio.wait_for(anext(stream), 30)
    assert outcome.errors is None, outcome.errors
    assert outcome.data is not None
    (data,) = outcome.data.values()
    return data
