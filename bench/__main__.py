"""``make bench``: every case beside its floor, in one run, on engines of its own.

Contenders take short turns; ratios are taken within a round, and their median and quartiles told.
Other benches, each of one question, are called by their names.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import machine, questions
from bench.cases import fan_out, growth, place, read, signed_in, sold_out, start
from bench.engines import own_engines
from bench.report import Row, as_markdown, as_table
from bench.run import Run, closing
from headless_presale.database import migrate
from headless_presale.kernel.logs import configure_logs
from headless_presale.runtime import open_runtime
from headless_presale.settings import Settings
from tools.fetch_wrk import WrkMissing, fetched_wrk

CASES: Mapping[str, Callable[[Run], Awaitable[list[Row]]]] = {
    "place": place.run,
    "sold-out": sold_out.run,
    "read": read.run,
    "signed-in": signed_in.run,
    "fan-out": fan_out.run,
    "growth": growth.run,
    "start": start.run,
}
RESULTS = Path("bench-results.json")
console = Console(stderr=True, highlight=False)


def main() -> None:
    """Run what the command line names; without a name every case."""
    if len(sys.argv) > 1 and sys.argv[1] in questions.NAMES:
        questions.main()
        return
    arguments = _arguments()
    try:
        fetched_wrk()
    except WrkMissing as error:
        sys.exit(str(error))
    with own_engines() as (settings, folder):
        told, rows = asyncio.run(_run(settings, folder, arguments))
    Console(width=None if sys.stdout.isatty() else 160).print(as_table(rows))
    if arguments.markdown:
        print(as_markdown(rows, told))
    console.print(f"Everything that was seen is in {arguments.json}.")
    if told["failed"]:
        sys.exit(f"Not measured: {', '.join(told['failed'])}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog=f"Of one question each: {', '.join(questions.NAMES)}; ask each for its --help.",
    )
    parser.add_argument(
        "case", nargs="*", help=f"which of {', '.join(CASES)}; all of them without a name"
    )
    parser.add_argument("--rounds", type=int, default=8, help="turns of each contender (8)")
    parser.add_argument("--seconds", type=int, default=2, help="how long a turn is (2)")
    parser.add_argument(
        "--quick", action="store_true", help="only to see that it works: two turns of a second"
    )
    parser.add_argument("--json", type=Path, default=RESULTS, help=f"where to ({RESULTS})")
    parser.add_argument(
        "--markdown", action="store_true", help="print the table for docs/performance.md as well"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.case) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    if arguments.quick:
        arguments.rounds, arguments.seconds = 2, 1
    return arguments


async def _run(
    settings: Settings, folder: Path, arguments: argparse.Namespace
) -> tuple[dict[str, Any], list[Row]]:
    assert settings.database_url
    assert settings.redis_url
    configure_logs(log_format="console", level="ERROR")
    await migrate(settings.database_url)
    os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = settings.database_url, settings.redis_url
    told: dict[str, Any] = {
        "began_at": datetime.now(UTC).isoformat(),
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        **await machine.describe(settings.database_url, settings.redis_url),
    }
    rows: list[Row] = []
    told["failed"] = []
    run = Run(
        folder=folder,
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        tell=lambda said: console.print(f"  {said}", soft_wrap=True),
    )
    async with open_runtime(settings), closing(run):
        for name, measure in CASES.items():
            if name in arguments.case or not arguments.case:
                console.print(f"{name}...")
                try:
                    rows += await measure(run)
                except Exception:
                    # What the others have measured is worth having.
                    console.print_exception()
                    told["failed"].append(name)
                told["load_after"] = os.getloadavg()[0]
                arguments.json.write_text(
                    json.dumps({**told, "rows": [row.to_json() for row in rows]}, indent=2)
                )
    return told, rows


if __name__ == "__main__":
    main()
