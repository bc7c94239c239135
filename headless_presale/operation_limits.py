"""How much of a kind one caller may do in a minute: place orders, pay, ask for codes, sign in.

Beside the limit of his requests, and lower: these cost slots, gateways' calls and mails, or guess
at something. A caller is a grant of a merchant's, else an address. A customer who is signed in
counts for himself besides, with a tenth: he is one, where hundreds of phones may share an address.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from uuid import UUID

from starlette.datastructures import Headers
from starlette.types import Scope

from headless_presale.challenges import require_proof
from headless_presale.identity import AccessClaims
from headless_presale.proxies import client_address
from headless_presale.rate_limits import (
    ALONE,
    RATE_COUNTS,
    Count,
    Counts,
    RateLimited,
    RateLimiter,
    Tally,
    caller_of,
    count_all,
    note_refusal,
)
from headless_presale.settings import Settings

CHALLENGE_HEADER = "x-challenge-response"
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
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Counted:
    """One count of what somebody wants to do, and for whom it is."""

    kind: Kind
    caller: str
    count: Count


CHALLENGED = frozenset({Kind.PLACEMENTS, Kind.CODES})
"""What robots are after: goods that are few, and mails in our name."""
OFTEN = frozenset({Kind.PLACEMENTS, Kind.CHANGES, Kind.EVENTS})
"""What a process counts by itself while a caller has done little of it. Of what costs money or is a
guess, all processes know from the first on."""


class OperationLimits:
    """The limits of all kinds, counted for all processes together.

    Args:
        limits: how much of each kind a minute has; 0 counts nothing.
        challenge_share: who has used more than this share of a limit has to prove that he is no
            robot, where that is asked of anybody.
    """

    def __init__(self, limits: Mapping[Kind, int], *, challenge_share: float = 1.0) -> None:
        self.challenge_share = challenge_share
        self._tally = tally = Tally()
        # Who is to be asked for a proof must be known before that.
        alone = min(ALONE, challenge_share)

        def limiter(kind: Kind, limit: int, policy: str) -> RateLimiter:
            return RateLimiter(limit, policy, tally, alone=alone if kind in OFTEN else 0.0)

        bounded = {kind: limit for kind, limit in limits.items() if limit > 0}
        self._of_callers = {kind: limiter(kind, limit, kind) for kind, limit in bounded.items()}
        self._of_customers = {
            kind: limiter(kind, ceil(limit / CUSTOMER_SHARE), f"{kind}-customer")
            for kind, limit in bounded.items()
        }

    async def count(
        self, wanted: Mapping[Kind, int], *, caller: str, customer_id: UUID | None
    ) -> list[Counted]:
        """Count what somebody wants to do; return where he stands.

        All of it takes the time of one round trip to Redis, or none: see ``OFTEN``.

        Args:
            wanted: how many of each kind.
            customer_id: which customer the caller has proven to be.
        """
        counters = list(self._counters(wanted, caller, customer_id))
        counts = await count_all(
            self._tally, [(limiter, who, amount) for _, limiter, who, amount in counters]
        )
        return [
            Counted(kind, who, count)
            for (kind, _, who, _), count in zip(counters, counts, strict=True)
        ]

    def _counters(
        self, wanted: Mapping[Kind, int], caller: str, customer_id: UUID | None
    ) -> Iterator[tuple[Kind, RateLimiter, str, int]]:
        for kind, amount in wanted.items():
            if kind in self._of_callers:
                yield kind, self._of_callers[kind], caller, amount
                if customer_id is not None:
                    yield kind, self._of_customers[kind], f"customer:{customer_id}", amount


class Meter:
    """Counts the operations of one request or socket.

    Of this machine itself nothing is counted, as with requests as a whole.
    """

    def __init__(self, scope: Scope, limits: OperationLimits) -> None:
        self._scope = scope
        self._limits = limits

    async def take(
        self,
        wanted: Mapping[Kind, int],
        *,
        grant: AccessClaims | None,
        customer_id: UUID | None,
        proof: str | None = None,
    ) -> None:
        """Count what an operation is about to do, and ask who does much of it for a proof.

        Args:
            grant: of a merchant's; whoever has one is known, and not asked for a proof.
            proof: what a challenge gave the caller, where it is not in his request's header.

        Raises:
            RateLimited: it is more than the caller has left; nothing was done.
            ChallengeRequired: he has to prove that he is no robot; nothing was done.
        """
        caller = caller_of(self._scope, grant)
        if caller is None:
            return
        counted = await self._limits.count(wanted, caller=caller, customer_id=customer_id)
        told: Counts | None = self._scope.get("state", {}).get(RATE_COUNTS)
        for each in counted:
            if told is not None:
                told.add(each.count)
        over = [each for each in counted if each.count.is_over]
        for each in over:
            note_refusal(each.caller, each.count.policy)
        if over:
            raise RateLimited(max(each.count.resets_after for each in over))
        if grant is None and any(self._is_suspect(each) for each in counted):
            # A proof is good for one: of many in a document none is begun.
            many = sum(times for kind, times in wanted.items() if kind in CHALLENGED) > 1
            await require_proof(
                None if many else proof or self._header(), address=client_address(self._scope)
            )

    def _is_suspect(self, counted: Counted) -> bool:
        count = counted.count
        return (
            counted.kind in CHALLENGED and count.used > count.limit * self._limits.challenge_share
        )

    def _header(self) -> str | None:
        # A socket's would be the same for all of its operations.
        if self._scope["type"] != "http":
            return None
        return Headers(scope=self._scope).get(CHALLENGE_HEADER)


def operation_limits(settings: Settings) -> OperationLimits:
    """Return the limits that an operator has set."""
    return OperationLimits(
        {kind: getattr(settings, f"rate_limit_{kind}") for kind in Kind},
        challenge_share=settings.challenge_share,
    )
