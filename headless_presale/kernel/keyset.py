"""Lists read by keyset: a page begins behind a position, and an index is walked from there.

What a context lists, by which keys and indexes, is its own matter; how a position, a direction and
a prefix become SQL is the same for all.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headless_presale.kernel.unit_of_work import UnitOfWork

LONGEST_SEARCH = 100
"""Characters of a text that is searched for; a longer one finds nothing."""

_LIKE_SPECIAL = re.compile(r"([\\%_])")


class Arguments(list[object]):
    """The arguments of a statement; each is written as its placeholder."""

    def put(self, value: object) -> str:
        """Add an argument; return its placeholder, such as ``$3``."""
        self.append(value)
        return f"${len(self)}"

    def put_prefix(self, text: str) -> str:
        """Add the LIKE pattern of what begins with a text."""
        return self.put(_LIKE_SPECIAL.sub(r"\\\1", text) + "%")


@dataclass(frozen=True, slots=True)
class Direction:
    """Which way a list goes, and from which of its ends a page is read."""

    is_descending: bool
    from_end: bool = False

    @property
    def told(self) -> str:
        """The order in which rows are returned: ``ASC`` or ``DESC``."""
        return "DESC" if self.is_descending else "ASC"

    @property
    def walked(self) -> str:
        """The order in which an index is walked: ``ASC`` or ``DESC``."""
        return "DESC" if self.is_descending is not self.from_end else "ASC"

    def between(
        self,
        columns: str,
        after: Sequence[object] | None,
        before: Sequence[object] | None,
        args: Arguments,
    ) -> list[str]:
        """Return the conditions of lying strictly between two positions; None is an open end.

        Args:
            columns: what positions are made of, as SQL: ``"o.placed_at, o.id"``.
        """
        behind, ahead = ("<", ">") if self.is_descending else (">", "<")
        return [
            f"({columns}) {sign} ({', '.join([args.put(value) for value in position])})"
            for position, sign in ((after, behind), (before, ahead))
            if position is not None
        ]


async def plan_for_these_values(work: UnitOfWork) -> None:
    """Have the transaction's statements planned for their values, not for values in general."""
    await work.execute("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
