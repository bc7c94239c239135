"""Commands of the product, each run as a process of its own."""

import asyncio
import subprocess
import sys


async def run(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run ``headless-presale ...`` to its end; it must not have ended with a traceback."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "headless_presale.cli", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done
