"""What a command needs to know of this worker's engines."""

import os
from pathlib import Path

import pytest

from tests.conftest import SECRET_KEY


@pytest.fixture
def environment(worker_database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """Return what names this worker's own engines, and its secret, to a process."""
    return {
        **os.environ,
        "DATABASE_URL": worker_database_url,
        "REDIS_URL": redis_url,
        "PRESALE_DATA_DIR": str(tmp_path / "data"),
        "PRESALE_SECRET_KEY": SECRET_KEY,
        "PRESALE_LOG_LEVEL": "ERROR",
        "COLUMNS": "200",
    }
