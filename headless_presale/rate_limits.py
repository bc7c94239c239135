"""How many requests one caller may send in a minute. One more is answered 429, with when to return.

The door (``overload``) bounds what is worked on at once, whoever sends it; this bounds what one
caller takes of that. Counted in Redis for all processes together, but for the first tenth, which
each process counts by itself. While Redis is away each process counts all by itself: a limit is
never a reason for an outage. What one caller may do of a kind, such as placing orders, is bounded
besides: see ``operation_limits``.

A caller is the grant of an access token, else an address (of IPv6 a /64: what one client has).
This machine itself is not limited: behind a proxy on it that ``PRESALE_TRUSTED_PROXIES`` does not
name, all the world would be one caller.
"""

import time
from collections.abc import Iterable, Sequence
from math import ceil
from typing import ClassVar, NamedTuple

import structlog
from limits.aio.storage import MemoryStorage
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headless_presale.graphql_endpoint import RawHeaders, is_graphql, refuse
from headless_presale.identity import AccessClaims, Unauthenticated, read_bearer
from headless_presale.kernel import clock, ip, metrics
from headless_presale.kernel.errors import PresaleError, Unavailable
from headless_presale.kernel.redis import LuaScript
from headless_presale.kernel.remembering import remembering
from headless_presale.proxies import client_address
from headless_presale.refusal_texts import TEXTS

log = structlog.get_logger(__name__)

_count = LuaScript("headless_presale.kernel.scripts", "count")

REQUESTS = "requests"
"""The policy of requests as a whole, as headers and the log call it."""
WINDOW_SECONDS = 60
PAUSE_SECONDS = 5.0
"""So long is Redis not asked again after it failed: the wait for its silence is paid once."""
KEY_PREFIX = "rate:"
MOST_KNOWN = 100_000
"""Callers of a window that a process knows; for more of them it asks."""
ALONE = 0.1
"""The share of a limit that each process counts by itself, where it is not a matter of guesses."""
_ASKED = -1
METHODS = ("GET", "POST")
VERIFIED = "headless_presale.access_claims"
"""Where in a request's scope the claims of a merchant's token are that was verified to count it."""
RATE_COUNTS = "rate_counts"
"""Where in a request's state its ``Counts`` are."""
MESSAGE = TEXTS["RATE_LIMITED"]["en"]


class RateLimited(PresaleError):
    """The caller has used up what a minute gives him; nothing was done."""

    public: ClassVar[bool] = True
    code: ClassVar[str] = "RATE_LIMITED"
    http_status: ClassVar[int] = 429

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(MESSAGE)
        self.retry_after_seconds = retry_after_seconds


class Count(NamedTuple):
    """What a caller has left of the window under way.

    Attributes:
        policy: which limit it is.
        used: how much of this window, this time included.
        resets_after: seconds until the next window.
    """

    policy: str
    limit: int
    used: int
    resets_after: int

    @property
    def is_over(self) -> bool:
        """Tell whether this request was one too many."""
        return self.used > self.limit


def headers_of(counts: Iterable[Count]) -> RawHeaders:
    """Return policies and what is left of them, by draft-ietf-httpapi-ratelimit-headers."""
    policies, limits = [], []
    for count in counts:
        left = max(count.limit - count.used, 0)
        policies.append(f'"{count.policy}";q={count.limit};w={WINDOW_SECONDS}')
        limits.append(f'"{count.policy}";r={left};t={count.resets_after}')
    if not policies:
        return ()
    return (
        (b"ratelimit-policy", ", ".join(policies).encode()),
        (b"ratelimit", ", ".join(limits).encode()),
    )


class Tally:
    """Adds up in Redis, or in this process while Redis is away."""

    def __init__(self) -> None:
        self._memory = MemoryStorage()
        self._away_until = 0.0

    async def add(self, key: str, amount: int, *, seconds: int = WINDOW_SECONDS) -> int:
        """Add to what a key has, and return what it has then; after its time it is forgotten."""
        return (await self.add_all([(key, amount)], seconds=seconds))[0]

    async def add_all(
        self, sums: Sequence[tuple[str, int]], *, seconds: int = WINDOW_SECONDS
    ) -> list[int]:
        """Add to several keys, as :meth:`add` does to one, in one round trip to Redis."""
        if time.monotonic() >= self._away_until:
            try:
                return await _count.all(
                    [([KEY_PREFIX + key], [amount, seconds]) for key, amount in sums]
                )
            except Unavailable:
                self._away_until = time.monotonic() + PAUSE_SECONDS
                log.warning("rate_limits.counting_alone", seconds=PAUSE_SECONDS)
        return [await self._memory.incr(key, seconds, amount) for key, amount in sums]


class OwnCounts:
    """What a process counts by itself: the first part of what each caller has of a window.

    Nearly all callers never come near their limit. Of those nobody else is told, and no request of
    theirs waits for a round trip; who passes that part is counted in Redis, with all that he has
    used before. So a caller may have that part more of the limit from each process.

    Args:
        most: how much of each caller's is counted here.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._window = 0.0
        # By the hash of a caller's name, which is salted: there are many, and names are long.
        self._used: dict[int, int] = {}

    def add(self, caller: str, amount: int, *, window: float) -> int | None:
        """Count, and return what the caller has; None, and nothing is counted: ask."""
        if window != self._window:
            self._window = window
            self._used.clear()
        key = hash(caller)
        before = self._used.get(key)
        if before is None:
            before = 0
            if len(self._used) >= MOST_KNOWN:
                return None
        used = before + amount
        if before == _ASKED or used > self._most:
            return None
        self._used[key] = used
        return used

    def hand_over(self, caller: str) -> int:
        """Return what nobody has been told of; the caller is not counted here any more."""
        key = hash(caller)
        untold = self._used.get(key)
        if untold is None and len(self._used) >= MOST_KNOWN:
            return 0
        self._used[key] = _ASKED
        return 0 if untold is None or untold == _ASKED else untold


class RateLimiter:
    """Counts what each caller does, in windows of a minute.

    Args:
        limit: how much a window has; 0 counts nothing.
        policy: what it is called; those of one name count together.
        tally: where it is added up; one of its own when not given.
        alone: the share of the limit that this process counts by itself; see :class:`OwnCounts`.
    """

    def __init__(
        self,
        limit: int,
        policy: str = REQUESTS,
        tally: Tally | None = None,
        *,
        alone: float = 0.0,
    ) -> None:
        self.limit = limit
        self.policy = policy
        self._prefix = "" if policy == REQUESTS else f"{policy}:"
        self._tally = tally or Tally()
        self._own = OwnCounts(int(limit * alone))

    def count_at_once(self, caller: str, amount: int = 1) -> Count | None:
        """Count for a caller without asking anybody; None, and nothing is counted: ``count``."""
        number, passed = divmod(clock.now().timestamp(), WINDOW_SECONDS)
        used = self._own.add(caller, amount, window=number)
        return None if used is None else self._count(used, passed)

    async def count(self, caller: str, amount: int = 1) -> Count:
        """Count for a caller, and return where he stands."""
        return (await count_all(self._tally, [(self, caller, amount)]))[0]

    def _told(self, caller: str, amount: int, window: float) -> tuple[str, int]:
        """Return what Redis is told: the key, and how much more it has."""
        untold = self._own.hand_over(caller)
        return f"{self._prefix}{caller}:{int(window)}", untold + amount

    def _count(self, used: int, passed: float) -> Count:
        return Count(self.policy, self.limit, used, max(ceil(WINDOW_SECONDS - passed), 1))

    async def take(self, caller: str) -> None:
        """Count one request of a caller.

        Raises:
            RateLimited: it is one too many.
        """
        count = await self.count(caller)
        if count.is_over:
            note_refusal(caller)
            raise RateLimited(count.resets_after)


async def count_all(tally: Tally, wanted: Sequence[tuple[RateLimiter, str, int]]) -> list[Count]:
    """Count for several callers by several limits, which share a tally; in one round trip at most.

    Those of whom this process may count by itself are not asked for.
    """
    counts = [limiter.count_at_once(caller, amount) for limiter, caller, amount in wanted]
    asked = [index for index, count in enumerate(counts) if count is None]
    if asked:
        number, passed = divmod(clock.now().timestamp(), WINDOW_SECONDS)
        told = [
            limiter._told(caller, amount, number)
            for limiter, caller, amount in (wanted[index] for index in asked)
        ]
        for index, used in zip(asked, await tally.add_all(told), strict=True):
            counts[index] = wanted[index][0]._count(used, passed)
    return [count for count in counts if count is not None]


def caller_of(scope: Scope, claims: AccessClaims | None) -> str | None:
    """Return whom a request counts for; None for one of this machine itself.

    Args:
        claims: what its access token says, verified; None without one.
    """
    caller = address_of(scope)
    if caller is None or claims is None:
        return caller
    return f"grant:{claims.grant_id}"


def address_of(scope: Scope) -> str | None:
    """Return whom a request without a token counts for; None for one of this machine itself."""
    return _caller_at(client_address(scope))


async def _claims_of(scope: Scope) -> AccessClaims | None:
    try:
        return await read_bearer(Headers(scope=scope).get("authorization"))
    except (Unauthenticated, Unavailable):
        # A token that is good for nothing is no way to count anew.
        return None


def note_refusal(caller: str, policy: str = REQUESTS) -> None:
    """Count a refusal, and tell the log whom it met."""
    reason = "rate" if policy == REQUESTS else f"rate_{policy}"
    metrics.REQUESTS_REFUSED.labels(reason).inc()
    log.info("rate_limits.refused", caller=caller, policy=policy)


# Clients come back: each asks for a page, its pictures' shop and its order.
@remembering(most=1_000, longest=ip.LONGEST)
def _caller_at(address: str) -> str | None:
    """Return who asks from an address; None where that is this machine, or nobody has it."""
    try:
        is_own = ip.is_loopback(address)
    except ValueError:
        is_own = True
    return None if is_own else f"address:{ip.host_of(address)}"


class Counts:
    """What was counted of one request or socket, the newest of each policy."""

    def __init__(self) -> None:
        self._newest: dict[str, Count] = {}

    def add(self, count: Count) -> None:
        """Keep a count for the headers of the answer."""
        self._newest[count.policy] = count

    @property
    def headers(self) -> RawHeaders:
        """What an answer says of them; nothing where nothing was counted."""
        return headers_of(self._newest.values())


class RateLimits:
    """Middleware: counts requests to the GraphQL endpoint before anything of them is read.

    Each answer there says where the caller stands, also in what is counted further in:
    ``RATE_COUNTS`` in its state is for that. A socket's handshake is a request, and then each
    operation that arrives over it: the limiter is in ``scope["state"]["rate_limiter"]``.
    """

    def __init__(self, app: ASGIApp, *, limiter: RateLimiter) -> None:
        self.app = app
        self.limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and self.limiter.limit > 0:
            scope.setdefault("state", {})["rate_limiter"] = self.limiter
        if not _is_counted(scope) or address_of(scope) is None:
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._shake_hands(scope, receive, send)
            return
        counts = scope.setdefault("state", {})[RATE_COUNTS] = Counts()

        async def send_with_counts(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *counts.headers]
                message = {**message, "headers": headers}
            await send(message)

        refusal = await count_caller(scope, self.limiter, counts)
        if refusal is None:
            await self.app(scope, receive, send_with_counts)
        else:
            await refuse(scope, refusal, send_with_counts)

    async def _shake_hands(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = caller_of(scope, None) if self.limiter.limit > 0 else None
        count = await self.limiter.count(caller) if caller is not None else None
        if caller is None or count is None or not count.is_over:
            await self.app(scope, receive, send)
            return
        note_refusal(caller)
        # Not a close code: for what passes in a minute a client should try again by itself.
        await refuse(scope, RateLimited(count.resets_after), send, kind="websocket.http.response")


async def count_caller(scope: Scope, limiter: RateLimiter, counts: Counts) -> RateLimited | None:
    """Count a request for its caller; return why it is refused, or None."""
    if limiter.limit <= 0:
        return None
    # In the request's own scope: whoever answers it need not verify the token again.
    scope[VERIFIED] = claims = await _claims_of(scope)
    caller = caller_of(scope, claims)
    if caller is None:
        return None
    count = await limiter.count(caller)
    counts.add(count)
    if not count.is_over:
        return None
    note_refusal(caller)
    return RateLimited(count.resets_after)


def _is_counted(scope: Scope) -> bool:
    return is_graphql(scope) and (scope["type"] == "websocket" or scope["method"] in METHODS)
