"""Answers that are the same for everybody: kept for a second, made once for all who ask at once.

When a sale opens, thousands ask for one page in the same second. The first of them has it made, who
comes meanwhile waits for that, and who comes within the second after gets the bytes that are there.

What is kept can never be somebody's own: nobody who identified himself takes part (``ReuseKey``),
an answer is kept only if it has no errors and its hint says that it is public, and all it depends
on is in its key. It counts from the moment its oldest part was read, so that nothing in it is older
than a second, whatever stands between it and the database.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import orjson

from schema.transport.caching import CacheHintLike, entity_tag, find_cache_hint
from schema.transport.execution import Operation, Outcome, response_body
from schema.transport.metrics import SHARED_ANSWERS

MAX_SECONDS = 1.0
"""The longest that an answer is kept, however long its hint lets others keep it."""
_OVERHEAD_BYTES = 1_000
"""What an entry takes beside its body and its variables: measured with ``sys.getsizeof``, rounded
up."""

_made, _joined, _kept = (SHARED_ANSWERS.labels(source) for source in ("made", "joined", "kept"))

Key = tuple[Hashable, ...]
AsSent = tuple[bool, bytes, str]
"""A request as it came: whether by GET, its query string or body, and its ``reuse_key``. Whoever
sends the same bytes again is answered without their being read again."""


@dataclass(slots=True)
class Answer:
    """What an operation came to.

    Attributes:
        hint: how it may be reused; None where nothing said so.
        body: encoded; None where it has errors: those are told to each in his own language.
        read_at: when the oldest thing in it was read, on the clock of ``time.monotonic``.
        composed: what is sent of it, by the manner it is asked for in.
    """

    outcome: Outcome
    hint: CacheHintLike | None
    body: bytes | None
    read_at: float
    composed: dict[Hashable, Any] = field(default_factory=dict)
    _tag: str | None = None

    @property
    def tag(self) -> str:
        """The entity tag of the body; made once."""
        if self._tag is None:
            self._tag = entity_tag(self.body or b"")
        return self._tag

    @property
    def is_public(self) -> bool:
        """Whether it is the same for everybody for a while, errors included."""
        return self.hint is not None and self.hint.public and self.hint.max_age_seconds > 0

    @property
    def fresh_until(self) -> float:
        """Until when it may be given to others; not at all where it is no longer than now."""
        if not self.is_public or self.hint is None:
            return 0.0
        return self.read_at + min(float(self.hint.max_age_seconds), MAX_SECONDS)


Make = Callable[[], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class _Entry:
    answer: Answer
    fresh_until: float
    weight: int
    on_use: Callable[[], None] | None = None


class _Flight:
    """An answer under way, and how many wait for it."""

    __slots__ = ("began", "task", "waiting")

    def __init__(self, task: "asyncio.Task[Answer]", began: float) -> None:
        self.task = task
        self.began = began
        self.waiting = 0


class SharedAnswers:
    """Public answers of one process.

    Args:
        memory_bytes: of answers to keep at most.
        now: the clock that ``Answer.read_at`` is read from.
    """

    def __init__(self, *, memory_bytes: int, now: Callable[[], float] = time.monotonic) -> None:
        self._capacity_bytes = memory_bytes
        self._now = now
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._flights: dict[Key, _Flight] = {}
        self.memory_bytes = 0

    def __len__(self) -> int:
        """How many answers there are, each perhaps under several keys."""
        return len({id(entry.answer) for entry in self._entries.values()})

    def find(self, key: Key) -> Answer | None:
        """Return an answer that is fresh, or None."""
        entry = self._entries.get(key)
        if entry is None or self._now() >= entry.fresh_until:
            return None
        _kept.inc()
        if entry.on_use is not None:
            entry.on_use()
        return entry.answer

    async def get(self, key: Key, make: Make) -> Answer:
        """Return an answer that is fresh, that of somebody who asks the same just now, or one of
        the caller's own.

        Whoever comes first has it made, in a task of its own: it goes on while anybody waits for
        it, whoever of them leaves. An answer that turns out not to be public, or that fails to be
        made, is for the first alone; the others have their own made, each for himself.
        """
        found = self.find(key)
        if found is not None:
            return found
        flight = self._flights.get(key)
        if flight is None or self._now() >= flight.began + MAX_SECONDS:
            return await self._wait_for(self._begin(key, make))
        found = await self._join(flight)
        if found is not None:
            _joined.inc()
            return found
        _made.inc()
        return await make()

    def keep(self, key: Key, answer: Answer, *, on_use: Callable[[], None] | None = None) -> None:
        """Keep an answer as long as it is fresh, if it may be given to others.

        Args:
            on_use: called whenever it is found by this key.
        """
        now = self._now()
        if answer.body is None or answer.fresh_until <= now:
            return
        weight = len(answer.body) + _OVERHEAD_BYTES + sum(_size(part) for part in key)
        self._drop(key)
        if weight > self._capacity_bytes:
            return
        self._entries[key] = _Entry(answer, answer.fresh_until, weight, on_use)
        self.memory_bytes += weight
        # Those in front came first; hardly any of them outlives one that came after it.
        while self._entries:
            oldest, entry = next(iter(self._entries.items()))
            if entry.fresh_until > now and self.memory_bytes <= self._capacity_bytes:
                break
            self._drop(oldest)

    def _begin(self, key: Key, make: Make) -> _Flight:
        _made.inc()
        flight = _Flight(asyncio.ensure_future(make()), self._now())
        self._flights[key] = flight

        def land(task: "asyncio.Task[Answer]") -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if not task.cancelled() and task.exception() is None:
                self.keep(key, task.result())

        flight.task.add_done_callback(land)
        return flight

    async def _join(self, flight: _Flight) -> Answer | None:
        """Wait for what somebody else has made; None where that is not for others."""
        await _landing(flight)
        if flight.task.cancelled() or flight.task.exception() is not None:
            return None
        answer = flight.task.result()
        return answer if answer.is_public else None

    async def _wait_for(self, flight: _Flight) -> Answer:
        await _landing(flight)
        return flight.task.result()

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.memory_bytes -= entry.weight


async def _landing(flight: _Flight) -> None:
    """Wait until a flight has ended; the last one to leave before that ends it."""
    flight.waiting += 1
    try:
        # Not awaited itself: who is cancelled here takes nobody else with him.
        await asyncio.wait((flight.task,))
    finally:
        flight.waiting -= 1
        if not flight.waiting:
            flight.task.cancel()


def _size(part: Hashable) -> int:
    return len(part) if isinstance(part, str | bytes) else 0


def key_of(operation: Operation, as_sent: AsSent) -> Key | None:
    """Return what the answer to a query depends on; None where that cannot be told."""
    request = operation.request
    try:
        variables = orjson.dumps(request.variables or {}, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Nested too deep to be written as it was read.
        return None
    return operation.document.digest, request.operation_name, variables, as_sent[2]


def answer_of(outcome: Outcome, context: Any, *, began: float) -> Answer:
    """Return an outcome with what its context knows of its reuse."""
    read_at = getattr(context, "read_at", None)
    return Answer(
        outcome=outcome,
        hint=find_cache_hint(context),
        body=_encode(outcome),
        read_at=min(began, read_at) if isinstance(read_at, float) else began,
    )


def _encode(outcome: Outcome) -> bytes | None:
    if outcome.errors or not outcome.executed:
        return None
    try:
        return orjson.dumps(response_body(outcome, []))
    except TypeError:
        # A scalar serialised to something that is not JSON: an error, and told as one.
        return None
