"""The product with its guard against overselling removed: what the suite must notice.

Run as ``python -m tests.chaos.unguarded serve``.
"""

from collections.abc import Sequence
from unittest.mock import patch
from uuid import UUID

from headless_presale.checkout import place
from headless_presale.cli import main
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.slots import PoolOrder


async def claim_whatever(work: UnitOfWork, order_id: UUID, orders: Sequence[PoolOrder]) -> None:
    """Make these numbers the order's, whoever has them."""
    for order in orders:
        await work.execute(
            "UPDATE slot SET order_id = $1 WHERE pool_id = $2 AND number = ANY($3::int[])",
            order_id,
            order.pool_id,
            list(order.numbers),
        )


if __name__ == "__main__":
    with patch.object(place, "claim", claim_whatever):
        main()
