"""Prints the events into docs/webhooks.md: ``python -m tools.print_webhook_events [--check]``."""

import re
import sys
from pathlib import Path

from headless_presale.webhooks import EVENT_TYPES

TARGET = Path(__file__).resolve().parent.parent / "docs" / "webhooks.md"
HEAD = "| Event | Needs | What happened |\n| --- | --- | --- |\n"
_TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")


def render(page: str) -> str:
    """Return the page with the table of events as it is in the code."""
    rows = (f"| `{e.name}` | `{e.scope}` | {e.description} |\n" for e in EVENT_TYPES.values())
    table = HEAD + "".join(rows)
    return _TABLE.sub(lambda _: table, page)


def main() -> int:
    """Write the page, or with ``--check`` return 1 if it differs."""
    page = TARGET.read_text(encoding="utf-8")
    if "--check" in sys.argv[1:]:
        return int(render(page) != page)
    TARGET.write_text(render(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
