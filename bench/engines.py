"""Engines of a bench's own, durable as shipped, gone with it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headless_presale.cli.session import engines
from headless_presale.settings import Settings, get_settings


@contextmanager
def own_engines() -> Iterator[tuple[Settings, Path]]:
    """Start both in a folder of their own; give the settings that name them, and the folder."""
    with tempfile.TemporaryDirectory(prefix="presale-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ["PRESALE_DATA_DIR"] = folder
        os.environ["PRESALE_LOG_LEVEL"] = "ERROR"
        get_settings.cache_clear()
        with engines() as settings:
            yield settings, Path(folder)
