"""How much of a kind one caller may do in a minute: place orders, pay, ask for codes, sign in.

Beside the limit of his requests, and lower: these cost slots, gateways' calls and mails, or guess
at something. A caller is a grant of a merchant's, else an address. A customer who is signed in
counts for himself besides, with a tenth: he is one, where hundreds of phones may share an address.
"""

import asyncio
from collections.abc import Iterator, Mapping
from enum import StrEnum
from math import ceil
from uuid import UUID

from starlette.types import Scope

from headless_presale.identity import AccessClaims
from headless_presale.rate_limits import (
    Count,
    Counts,
    RateLimited,
    RateLimiter,
    Tally,
    caller_of,
    note_refusal,
)
from headless_presale.settings import Settings

CUSTOMER_SHARE = 10
"""One customer has the limit of an address divided by this."""


class Kind(StrEnum):
    """What is counted together."""

    PLACEMENTS = "placements"
    PAYMENTS = "payments"
    CODES = "codes"
    LOGINS = "logins"
    MAILS = "mails"
    CHANGES = "changes"


class OperationLimits:
    """The limits of all kinds, counted for all processes together.

    Args:
        limits: how much of each kind a minute has; 0 counts nothing.
    """

    def __init__(self, limits: Mapping[Kind, int]) -> None:
        tally = Tally()
        self._of_callers = {
            kind: RateLimiter(limit, kind, tally) for kind, limit in limits.items() if limit > 0
        }
        self._of_customers = {
            kind: RateLimiter(ceil(limit / CUSTOMER_SHARE), f"{kind}-customer", tally)
            for kind, limit in limits.items()
            if limit > 0
        }

    async def count(
        self, wanted: Mapping[Kind, int], *, caller: str, customer_id: UUID | None
    ) -> list[tuple[str, Count]]:
        """Count what somebody wants to do; return who stands where.

        All of it takes the time of one round trip to Redis.

        Args:
            wanted: how many of each kind.
            customer_id: which customer the caller has proven to be.
        """
        counters = list(self._counters(wanted, caller, customer_id))
        counts = await asyncio.gather(
            *(limiter.count(who, amount) for limiter, who, amount in counters)
        )
        return [(who, count) for (_, who, _), count in zip(counters, counts, strict=True)]

    def _counters(
        self, wanted: Mapping[Kind, int], caller: str, customer_id: UUID | None
    ) -> Iterator[tuple[RateLimiter, str, int]]:
        for kind, amount in wanted.items():
            if kind in self._of_callers:
                yield self._of_callers[kind], caller, amount
                if customer_id is not None:
                    yield self._of_customers[kind], f"customer:{customer_id}", amount


class Meter:
    """Counts the operations of one request or socket.

    Of this machine itself nothing is counted, as with requests as a whole.
    """

    def __init__(self, scope: Scope, limits: OperationLimits) -> None:
        self._scope = scope
        self._limits = limits

    async def take(
        self, wanted: Mapping[Kind, int], *, grant: AccessClaims | None, customer_id: UUID | None
    ) -> None:
        """Count what an operation is about to do.

        Raises:
            RateLimited: it is more than the caller has left; nothing was done.
        """
        caller = caller_of(self._scope, grant)
        if caller is None:
            return
        counted = await self._limits.count(wanted, caller=caller, customer_id=customer_id)
        told: Counts | None = self._scope.get("state", {}).get("rate_counts")
        for _, count in counted:
            if told is not None:
                told.add(count)
        over = [(who, count) for who, count in counted if count.is_over]
        for who, count in over:
            note_refusal(who, count.policy)
        if over:
            raise RateLimited(max(count.resets_after for _, count in over))


def operation_limits(settings: Settings) -> OperationLimits:
    """Return the limits that an operator has set."""
    return OperationLimits({kind: getattr(settings, f"rate_limit_{kind}") for kind in Kind})
