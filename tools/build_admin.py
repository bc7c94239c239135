"""Build the merchant admin: ``admin_static/src`` becomes ``admin_static/dist``."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "admin_static" / "src"
TARGET = ROOT / "admin_static" / "dist"


def build_admin(source: Path = SOURCE, target: Path = TARGET) -> None:
    """Replace ``target`` with the built form of ``source``.

    The new tree is complete before it takes the place of the old one, so a server that reads
    ``target`` meanwhile sees one or the other, or for an instant nothing, never a mixture.

    Raises:
        FileNotFoundError: ``source`` has no ``index.html``.
    """
    if not (source / "index.html").is_file():
        raise FileNotFoundError(f"nothing to build: {source / 'index.html'} is missing")
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(source, fresh)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def main() -> int:
    try:
        build_admin()
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
