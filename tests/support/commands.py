"""Commands of the product, each run as a process of its own."""

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.forks import fork_program

Done = subprocess.CompletedProcess[str]
SECONDS = 60


async def run(environment: Mapping[str, str], *words: str) -> Done:
    """Run ``headless-presale ...`` to its end; it must not have ended with a traceback.

    Args:
        environment: the whole of what the command finds in its own.
    """
    return await asyncio.to_thread(run_command, environment, *words)


def run_command(environment: Mapping[str, str], *words: str) -> Done:
    """Do the same, and let this thread wait."""
    return run_program("headless_presale.cli", environment, *words)


def run_program(module: str, environment: Mapping[str, str], *words: str) -> Done:
    """Run what ``python -m`` runs, likewise."""
    with TemporaryDirectory() as folder:
        out, complaints = Path(folder, "stdout"), Path(folder, "stderr")
        process = fork_program(module, words, environment, out, complaints)
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{words} runs after {SECONDS} seconds; {complaints.read_text()}")
        assert "Traceback" not in complaints.read_text(), complaints.read_text()
        return Done(words, process.exitcode, out.read_text(), complaints.read_text())
