"""The product without its reconciler of slots: what the suite must notice.

Run as ``python -m tests.chaos.unreconciled worker``.
"""

from unittest.mock import patch

from headless_presale.cli import main
from headless_presale.slots import jobs


async def reconcile_nothing() -> None:
    """Leave Redis and the database as they are."""


if __name__ == "__main__":
    with patch.object(jobs, "reconcile_open_pools", reconcile_nothing):
        main()
