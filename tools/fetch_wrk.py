"""``python -m tools.fetch_wrk``: wrk, the load generator, without installing anything.

The one on PATH where there is one. Else Debian's package and its library are downloaded by
``apt-get download`` and unpacked under ``.cache/wrk``, which needs no rights on the machine.
"""

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".cache" / "wrk"
PACKAGES = ("wrk", "libluajit-5.1-2", "libluajit-5.1-common")
MISSING = (
    "wrk is not on PATH and cannot be fetched: {reason}. Install it, as by `apt-get install wrk` "
    "or `brew install wrk`, and run this again."
)


class WrkMissing(Exception):
    """There is no wrk, and none can be fetched."""


@cache
def fetched_wrk() -> tuple[Path, Path | None]:
    """Return the program, and the folder of its library if that is not the system's.

    Raises:
        WrkMissing: there is none; the text says what to install.
    """
    installed = shutil.which("wrk")
    if installed is not None:
        return Path(installed), None
    if not (FOLDER / "usr/bin/wrk").exists():
        _fetch()
    return FOLDER / "usr/bin/wrk", _library()


def _library() -> Path:
    found = next(FOLDER.glob("usr/lib/**/libluajit-5.1.so.2"), None)
    if found is None:
        raise WrkMissing(MISSING.format(reason=f"its library is not in {FOLDER}"))
    return found.parent


def _fetch() -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise WrkMissing(MISSING.format(reason="this system has no packages of Debian"))
    FOLDER.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as folder:
        try:
            # Packages first: without lists, or off line, apt-get says so itself.
            _run("apt-get", "download", *PACKAGES, folder=folder)
            for package in Path(folder).glob("*.deb"):
                _run("dpkg", "-x", str(package), "unpacked", folder=folder)
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().splitlines() or [str(error)]
            raise WrkMissing(MISSING.format(reason=said[-1])) from None
        # Renamed when it is whole, so that nobody finds half of it.
        (Path(folder) / "unpacked").rename(FOLDER)


def _run(*command: str, folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    try:
        print(fetched_wrk()[0])
    except WrkMissing as error:
        sys.exit(str(error))
