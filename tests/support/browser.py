"""A real Chromium, driven by scripts in ``tests/e2e/node`` over playwright-core.

A script exports one function: ``export default async ({ page, context, browser, values, shot }) =>
result``. ``page`` is open on nothing, ``values`` is what the test passes, the result comes back as
JSON. ``shot(name)`` takes a picture where ``PRESALE_TEST_PICTURES`` names a folder.
"""

import asyncio
import json
import os
import shutil
from typing import Any

import pytest

from tests.support.node import NODE_FOLDER, has_node

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS = 240


def find_browser() -> str | None:
    """Return the path of a Chromium on this machine."""
    named = os.environ.get("PRESALE_TEST_BROWSER")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


needs_browser = pytest.mark.skipif(
    find_browser() is None or not has_node("playwright-core"),
    reason="no Chromium on this machine, or no node with playwright-core",
)


async def drive(script: str, **values: Any) -> Any:
    """Run a script in a fresh browser; return what it returned.

    Raises:
        AssertionError: the script failed; with what it printed.
    """
    process = await asyncio.create_subprocess_exec(
        "node",
        str(NODE_FOLDER / "browser.mjs"),
        str(NODE_FOLDER / script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "CHROMIUM": find_browser() or ""},
    )
    try:
        printed, complaints = await asyncio.wait_for(
            process.communicate(json.dumps(values).encode()), SECONDS
        )
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()[-4_000:]
    return json.loads(printed)
