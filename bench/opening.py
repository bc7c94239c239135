"""``python -m bench.opening``: open sales in the database that the environment names.

Reads ``{"handle": capacity}`` as JSON and prints ``{"handle": body}``: the body of a request that
places an order there, with ``BUYER`` where each buyer has a number of his own. It is a process, for
one process has one database open.
"""

import asyncio
import json
import sys
from collections.abc import Mapping

from bench.orders import order_body
from bench.sale import open_sale
from headless_presale.kernel.logs import configure_logs
from headless_presale.runtime import open_runtime
from headless_presale.settings import get_settings

BUYER = "BUYER"


async def open_elsewhere(
    capacities: Mapping[str, int], environment: Mapping[str, str]
) -> dict[str, str]:
    """Open the sales in a process with this environment; return the bodies.

    Raises:
        RuntimeError: it has failed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.opening"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=dict(environment),
    )
    said, _ = await process.communicate(json.dumps(capacities).encode())
    if process.returncode != 0:
        raise RuntimeError(f"sales could not be opened: {process.returncode}")
    bodies: dict[str, str] = json.loads(said)
    return bodies


async def _open(capacities: Mapping[str, int]) -> dict[str, str]:
    async with open_runtime(get_settings()):
        return {
            handle: order_body(await open_sale(handle, capacity=capacity), BUYER).decode()
            for handle, capacity in capacities.items()
        }


if __name__ == "__main__":
    configure_logs(log_format="console", level="ERROR")
    print(json.dumps(asyncio.run(_open(json.load(sys.stdin)))))
