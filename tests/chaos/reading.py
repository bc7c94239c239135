"""How tests run a storm: as the command would, in a process of its own, read by its report."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from headless_presale.engines import EnginesUnsupported
from headless_presale.engines.binaries import postgres_install, valkey_server
from tests.chaos.command import UNSUPPORTED

REPOSITORY = Path(__file__).resolve().parents[2]
MOST_SECONDS = 300.0
"""A guard against hanging; on two idle cores a run takes a tenth of it."""


def weather(tmp_path: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run a command of this folder; return its exit code, its report and what it printed.

    It always uses the embedded engines, whatever the other tests run on: it has to kill them.
    Skips where the platform has none. What the run kept, its logs and the journal, is in
    ``tmp_path`` afterwards; the engines' files are gone.
    """
    try:
        postgres_install()
        valkey_server()
    except EnginesUnsupported as error:
        pytest.skip(f"chaos kills engines of its own: {error}")
    report = tmp_path / "report.json"
    # Not in pytest's own folder, which PostgreSQL's user cannot pass through.
    place = Path(tempfile.mkdtemp(prefix="presale-chaos-test-"))
    place.chmod(0o711)
    try:
        done = subprocess.run(
            [sys.executable, "-m", *arguments, "--report", str(report), "--folder", str(place)],
            cwd=REPOSITORY,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
    finally:
        for kept in (*place.rglob("*.log"), *place.rglob("*.jsonl")):
            shutil.copy(kept, tmp_path)
        shutil.rmtree(place, ignore_errors=True)
    said = done.stdout + done.stderr
    assert done.returncode != UNSUPPORTED, said
    assert report.exists(), said
    return done.returncode, json.loads(report.read_text()), said


def _environment() -> dict[str, str]:
    """Leave out what would point the product's processes elsewhere."""
    named = ("PRESALE_", "SANDBOX_GATEWAY_")
    plain = ("DATABASE_URL", "REDIS_URL", "PORT")
    return {k: v for k, v in os.environ.items() if not k.startswith(named) and k not in plain}
