"""Commands of the product, each run as a process of its own."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

SECONDS = 60
_processes = multiprocessing.get_context("forkserver")
# A command's imports take most of its time: they are done once, by who makes the processes.
_processes.set_forkserver_preload(["headless_presale.cli"])


async def run(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run ``headless-presale ...`` to its end; it must not have ended with a traceback.

    Args:
        environment: the whole of what the command finds in its own.
    """
    with TemporaryDirectory() as folder:
        done = await asyncio.to_thread(_run, environment, words, Path(folder))
    assert "Traceback" not in done.stderr
    return done


def _run(
    environment: dict[str, str], words: Sequence[str], folder: Path
) -> "subprocess.CompletedProcess[str]":
    out, complaints = folder / "stdout", folder / "stderr"
    process = _processes.Process(target=_be_command, args=(environment, words, out, complaints))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"{words} runs after {SECONDS} seconds; {complaints.read_text()}")
    return subprocess.CompletedProcess(
        words, process.exitcode, out.read_text(), complaints.read_text()
    )


def _be_command(
    environment: dict[str, str], words: Sequence[str], out: Path, complaints: Path
) -> None:
    """Become the command: with its arguments, its environment and its outputs."""
    from headless_presale.cli import main  # here it is in memory already

    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["headless-presale", *words]
    for stream, path in ((sys.stdout, out), (sys.stderr, complaints)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    main()
