"""The product with its guard against overselling removed: what the suite must notice.

Run as ``python -m tests.chaos.unguarded serve``.
"""

from collections.abc import Iterable
from unittest.mock import patch
from uuid import UUID

from headless_presale.checkout import together
from headless_presale.cli import main
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.slots import PoolOrder


async def claim_whatever(work: UnitOfWork, orders: Iterable[tuple[UUID, PoolOrder]]) -> None:
    """Make these numbers the orders', whoever has them."""
    for order_id, order in orders:
        await work.execute(
            "UPDATE slot SET order_id = $1 WHERE pool_id = $2 AND number = ANY($3::int[])",
            order_id,
            order.pool_id,
            list(order.numbers),
        )


if __name__ == "__main__":
    with patch.object(together, "claim_all", claim_whatever):
        main()
