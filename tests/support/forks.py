"""Processes forked from one that has imported the product: they start in milliseconds.

To read the product's modules from disk and to build its schema takes a process seconds of the
processor's time. Here one process does that for a whole run, and each that is wanted is forked
from it: a process of its own with an id, a group, an environment and outputs of its own, which
dies, freezes and is waited for like any other. Who starts processes by their command line are the
tests of the commands themselves.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from headless_presale.cli.parent import PARENT_VARIABLE

REPOSITORY = Path(__file__).resolve().parents[2]

_processes = multiprocessing.get_context("forkserver")
_preloaded = [
    "headless_presale.cli.typed",
    "headless_presale.cli.complaints",
    "headless_presale.cli.server",
    "headless_presale.worker",
    "schema.asgi",
]
_processes.set_forkserver_preload(_preloaded)


def preload(module: str) -> None:
    """Have a module imported before anything is forked; it has to be said at import."""
    _preloaded.append(module)


def fork(act: Callable[..., object], *arguments: Any) -> BaseProcess:
    """Start a process that does one thing; it is not waited for at the end of the run.

    Args:
        act: a function of a module; what it is given goes to it pickled.
    """
    process = _processes.Process(target=act, args=arguments, daemon=True)
    process.start()
    return process


def fork_program(
    module: str,
    words: Sequence[str],
    environment: Mapping[str, str],
    out: Path,
    complaints: Path,
) -> BaseProcess:
    """Start what ``python -m`` starts, in a process group of its own.

    Args:
        environment: the whole of it.
        out: a file that what it prints is appended to.
        complaints: the same for its errors; it may be the same file.
    """
    return fork(_be_program, module, words, dict(environment), out, complaints)


def _be_program(
    module: str,
    words: Sequence[str],
    environment: Mapping[str, str],
    out: Path,
    complaints: Path,
) -> None:
    os.setpgid(0, 0)
    # It may have children.
    multiprocessing.current_process().daemon = False
    # Held open by whoever is forked, the pipe would keep the one that forks, which is the parent
    # to be followed, alive after the run.
    server: Any = forkserver._forkserver
    os.close(server._forkserver_alive_fd)
    os.environ.clear()
    os.environ.update(environment)
    os.environ[PARENT_VARIABLE] = str(os.getppid())
    os.chdir(REPOSITORY)
    # Where every process has them: its own children are told of these numbers.
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.stdin = os.fdopen(0, closefd=False)
    for stream, path in ((sys.stdout, out), (sys.stderr, complaints)):
        with path.open("ab") as file:
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
