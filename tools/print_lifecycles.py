"""Prints the lifecycles into docs/lifecycles.md: ``python -m tools.print_lifecycles [--check]``."""

import sys
from pathlib import Path

from headless_presale.campaigns import CAMPAIGN_LIFECYCLE
from headless_presale.kernel.lifecycle import Lifecycle, State
from headless_presale.orders import ORDER_LIFECYCLE
from headless_presale.payments import PAYMENT_LIFECYCLE, REFUND_LIFECYCLE
from headless_presale.webhooks import DELIVERY_LIFECYCLE

TARGET = Path(__file__).resolve().parent.parent / "docs" / "lifecycles.md"
HEAD = """# Lifecycles

Printed from the tables that the code checks (`<context>/states.py`) by
`python -m tools.print_lifecycles`; a test fails when this page is not what it prints.
"""


def render() -> str:
    """Return the page."""
    return HEAD + "".join(
        (
            _section(CAMPAIGN_LIFECYCLE),
            _section(ORDER_LIFECYCLE),
            _section(PAYMENT_LIFECYCLE),
            _section(REFUND_LIFECYCLE),
            _section(DELIVERY_LIFECYCLE),
        )
    )


def _section(lifecycle: Lifecycle[State]) -> str:
    return f"\n## {lifecycle.name.capitalize()}\n\n```mermaid\n{lifecycle.as_mermaid()}\n```\n"


def main() -> int:
    """Write the page, or with ``--check`` return 1 if it differs."""
    if "--check" in sys.argv[1:]:
        return int(not TARGET.exists() or TARGET.read_text(encoding="utf-8") != render())
    TARGET.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
