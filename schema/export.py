"""Write what readers of the contract go by, or check that what is there is current.

``python -m schema.export`` writes ``schema/schema.graphql`` and ``docs/errors.md``; with
``--check`` a difference is printed and the exit code is 1.
"""

import sys
from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path

from schema import error_page
from schema.contract import schema_text
from schema.error_page import errors_page

PATH = Path(__file__).with_name("schema.graphql")


def main(arguments: Sequence[str], *, path: Path = PATH) -> int:
    """Run the command; return its exit code."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python -m schema.export [--check]", file=sys.stderr)
        return 2
    is_current = _bring_up(path, schema_text(), is_check=bool(arguments))
    if path == PATH:
        page = errors_page()
        is_current = _bring_up(error_page.PATH, page, is_check=bool(arguments)) and is_current
    if is_current:
        return 0
    print("The committed schema is outdated: run `python -m schema.export`.", file=sys.stderr)
    return 1


def _bring_up(path: Path, current: str, *, is_check: bool) -> bool:
    """Write a file, or check it; return whether it is what it should be."""
    if not is_check:
        path.write_text(current, encoding="utf-8")
        return True
    committed = path.read_text(encoding="utf-8") if path.exists() else ""
    if committed == current:
        return True
    sys.stdout.writelines(
        unified_diff(
            committed.splitlines(keepends=True),
            current.splitlines(keepends=True),
            fromfile=str(path),
            tofile="the schema in code",
        )
    )
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
