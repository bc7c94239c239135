"""Write the schema to ``schema/schema.graphql``, or check that what is there is current.

``python -m schema.export`` writes it; with ``--check`` a difference is printed and the exit code
is 1.
"""

import sys
from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path

from schema.contract import schema_text

PATH = Path(__file__).with_name("schema.graphql")


def main(arguments: Sequence[str], *, path: Path = PATH) -> int:
    """Run the command; return its exit code."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python -m schema.export [--check]", file=sys.stderr)
        return 2
    current = schema_text()
    if not arguments:
        path.write_text(current, encoding="utf-8")
        return 0
    committed = path.read_text(encoding="utf-8") if path.exists() else ""
    if committed == current:
        return 0
    sys.stdout.writelines(
        unified_diff(
            committed.splitlines(keepends=True),
            current.splitlines(keepends=True),
            fromfile=str(path),
            tofile="the schema in code",
        )
    )
    print("The committed schema is outdated: run `python -m schema.export`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
