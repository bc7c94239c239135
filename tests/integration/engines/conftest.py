import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headless_presale.engines import EmbeddedEngines
from tests.integration.engines.processes import everything, kill_all

MEMORY = Path("/dev/shm")


@pytest.fixture
def parent() -> Iterator[Path]:
    parent = make_parent()
    yield parent
    left = everything(parent)
    kill_all(left)
    shutil.rmtree(parent)
    assert left == [], "a test left engines behind"


@pytest.fixture
def new_folder(parent: Path) -> Path:
    """A data folder that does not exist yet."""
    return parent / "data"


@pytest.fixture
def folder(parent: Path, used_folder: Path) -> Path:
    """A data folder that has been in use before."""
    subprocess.run(["cp", "-a", str(used_folder), str(parent / "data")], check=True)
    return parent / "data"


@pytest.fixture(scope="session")
def used_folder() -> Iterator[Path]:
    parent = make_parent()
    with EmbeddedEngines(parent / "data"):
        pass
    (parent / "data" / "log" / "postgres.log").unlink()
    yield parent / "data"
    shutil.rmtree(parent)


def make_parent() -> Path:
    """A folder others may pass through, as that of a checkout usually is; pytest's are closed.

    In memory where there is room: these tests kill processes, not machines, and need no disk.
    """
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2**30
    parent = Path(tempfile.mkdtemp(prefix="engines-", dir=MEMORY if has_room else None)).resolve()
    parent.chmod(0o755)
    return parent


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: it is about giving root up")
