"""``python -m tests.hostile --cases N --seed M``: exit code 1 where a case found a fault."""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from headless_presale.database import close_database, migrate, open_database
from headless_presale.engines import throwaway_engines
from headless_presale.event_handlers import EVENT_HANDLERS
from headless_presale.kernel.events import set_event_handlers
from headless_presale.kernel.redis import close_redis, open_redis
from tests.hostile.running import Report, run
from tests.hostile.world import START_SECONDS, UNTOUCHED, make_process, make_world
from tests.support.processes import until_ready


async def attack(database_url: str, redis_url: str, folder: Path, seed: int, count: int) -> Report:
    """Send the cases of a seed to a process of its own on these engines."""
    await migrate(database_url)
    await open_database(database_url, pool_size=4)
    await open_redis(redis_url, timeout_seconds=30)
    set_event_handlers(EVENT_HANDLERS)
    with make_process(database_url, redis_url, folder) as api:
        world = await make_world(api.url)
        await until_ready(f"{api.url}/readyz", api, seconds=START_SECONDS)
        renewing = asyncio.create_task(world.keep_token_fresh())
        report = await run(api, world.cases(seed, count), count=count, slug=UNTOUCHED)
        renewing.cancel()
    await close_redis()
    await close_database()
    return report


def main() -> int:
    """Read the arguments, attack, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="which")
    parser.add_argument("--report", type=Path, help="where the report goes as JSON")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="presale-hostile-"))
    with throwaway_engines() as urls:
        assert urls.database_url
        assert urls.redis_url
        report = asyncio.run(
            attack(urls.database_url, urls.redis_url, folder, chosen.seed, chosen.cases)
        )
    written = json.dumps(report.to_json(), indent=2, sort_keys=True)
    print(written)
    if chosen.report is not None:
        chosen.report.write_text(written + "\n", encoding="utf-8")
    found = report.judge()
    for fault in found:
        print(f"FAULT {fault}", file=sys.stderr)
    if found:
        print(f"The log is kept: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
