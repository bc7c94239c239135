"""Where the checkout is, and how its commands are run."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("headless_presale", "resolvers", "schema")
LOCKS = tuple(sorted(ROOT.glob("requirements*.lock")))


def run(
    command: Sequence[str | Path], *, cwd: Path = ROOT, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it printed; a failure is the caller's to judge.

    Args:
        environment: Variables set on top of this process's own.
    """
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def run_python(
    *arguments: str | Path, cwd: Path = ROOT, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run this environment's Python."""
    return run([sys.executable, *arguments], cwd=cwd, environment=environment)
