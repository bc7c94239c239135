"""Subscriptions whose events are the same for many: each is run and encoded once for all of them.

Two thousand shoppers who watch one sale ask for the same bytes. Run for each, one update took a
hundred and forty times as long to reach the last of them as a bare broadcast; the work is now done
once, and what is left for each is a write.

What runs for many is given nothing of any one of them: the context says itself what such an
answer may depend on (its audience), and makes another that holds no more than that. So a field
that looked at the caller would find nobody there.
"""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol

import orjson
import structlog
from graphql import FieldNode, OperationType, located_error
from strawberry import Schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from schema.transport.execution import Engine, Operation, Outcome, response_body
from schema.transport.metrics import SUBSCRIPTIONS

SHARED = {"shared": True}
"""Metadata of a subscription's field whose events do not depend on who follows it::

    @strawberry.subscription(metadata=SHARED)

Of each, the newest counts: whoever comes is told how things stand, and whoever reads slowly is
spared what has been overtaken. A log, of which nobody may miss an entry, is not to be shared.
"""

FRESH_SECONDS = 1.0
"""Who joins is told the last event at once where it is not older; else how things stand now."""
BATCH = 250
"""So many members are told before others get their turn."""


class Member(Protocol):
    """Somebody who follows a shared run."""

    def deliver(self, outcome: Outcome | None) -> None:
        """Take the newest event; None, or one that was not ``executed``, is the last."""


class Inbox:
    """What a member that is busy has still to be told: the newest event, and the end."""

    __slots__ = ("_end", "_has_ended", "_newest")

    def __init__(self) -> None:
        self._newest: Outcome | None = None
        self._end: Outcome | None = None
        self._has_ended = False

    def put(self, outcome: Outcome | None) -> None:
        """Keep it, in place of an event that it overtakes."""
        if outcome is None or not outcome.executed:
            self._end, self._has_ended = outcome, True
        else:
            self._newest = outcome

    def __bool__(self) -> bool:
        return self._newest is not None or self._has_ended

    def take(self) -> Outcome | None:
        """Return what is next, as ``Member.deliver`` takes it; only where there is something."""
        if self._newest is not None:
            newest, self._newest = self._newest, None
            return newest
        self._has_ended = False
        return self._end


class SharedRun:
    """One run of a subscription and those who follow it: the last who leaves ends it."""

    def __init__(
        self, start: Callable[[], AsyncGenerator[Outcome, None]], ended: Callable[[], None]
    ) -> None:
        self._start = start
        self._ended = ended
        self._members: set[Member] = set()
        self._unserved: set[Member] = set()
        self._latest: Outcome | None = None
        self._latest_at = 0.0
        # Of all that the first who came has around him, his request's id in each line of log.
        context = contextvars.copy_context()
        context.run(structlog.contextvars.clear_contextvars)
        self._following = asyncio.create_task(self._follow(), context=context)
        self._looking: asyncio.Task[None] | None = None

    def join(self, member: Member) -> None:
        """Follow the run: how things stand comes first, perhaps before this returns."""
        SUBSCRIPTIONS.inc()
        self._members.add(member)
        if self._latest is None:
            return
        if asyncio.get_running_loop().time() - self._latest_at < FRESH_SECONDS:
            member.deliver(self._latest)
            return
        self._unserved.add(member)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    def leave(self, member: Member) -> "asyncio.Task[None] | None":
        """Follow it no more.

        Returns:
            What ends the run, where he was the last: the resolver's generator is closed with it.
        """
        if member not in self._members:
            return None
        self._forget(member)
        if self._members:
            return None
        if self._looking is not None:
            self._looking.cancel()
        return self._end()

    def _end(self) -> "asyncio.Task[None]":
        self._ended()
        self._following.cancel()
        return self._following

    def _forget(self, member: Member) -> None:
        SUBSCRIPTIONS.dec()
        self._members.discard(member)
        self._unserved.discard(member)

    async def _follow(self) -> None:
        last: Outcome | None = None
        try:
            async with aclosing(self._start()) as outcomes:
                async for outcome in outcomes:
                    if not outcome.executed:
                        last = outcome
                        break
                    self._unserved.clear()
                    await self._tell(self._keep(outcome))
        except Exception as failure:
            last = Outcome(errors=[located_error(failure)], executed=False)
        self._ended()
        if self._looking is not None:
            self._looking.cancel()
        for member in tuple(self._members):
            self._forget(member)
            member.deliver(last)

    async def _look(self) -> None:
        """Tell who came late how things stand now: the last event may be of long ago."""
        before = self._latest
        async with aclosing(self._start()) as outcomes:
            outcome = await anext(outcomes, None)
        if outcome is None:
            return
        if self._latest is not before and self._latest is not None:
            # What the run has told meanwhile is newer.
            outcome = self._latest
        elif outcome.executed:
            self._keep(outcome)
        for member in tuple(self._unserved):
            self._unserved.discard(member)
            if not outcome.executed:
                self._forget(member)
            member.deliver(outcome)
        if not self._members:
            self._end()

    def _keep(self, outcome: Outcome) -> Outcome:
        self._latest, self._latest_at = outcome, asyncio.get_running_loop().time()
        if not outcome.errors:
            # Errors are told to each in his own language, with the id of his own request.
            try:
                outcome.encoded = orjson.dumps(response_body(outcome, []))
            except TypeError:
                # A scalar serialised to something that is not JSON: each tells his own client.
                outcome.encoded = None
        return outcome

    async def _tell(self, outcome: Outcome) -> None:
        for number, member in enumerate(tuple(self._members), start=1):
            # Not who has left meanwhile.
            if member in self._members:
                member.deliver(outcome)
            if number % BATCH == 0:
                await asyncio.sleep(0)


class Streams:
    """Runs operations as streams; see ``Engine.stream``, of which this is the other way to do it.

    A context with a method ``for_audience`` takes part: it returns what an answer that is the same
    for many depends on, hashable and whole, and a context that holds nothing else.
    """

    def __init__(self, engine: Engine, schema: Schema) -> None:
        self.engine = engine
        self._shared_fields = _shared_fields(schema)
        # By everything that their events depend on.
        self._runs: dict[Hashable, SharedRun] = {}

    def __len__(self) -> int:
        return len(self._runs)

    async def stream(self, operation: Operation, context: Any) -> AsyncGenerator[Outcome, None]:
        """Run any operation. Of a run that is shared, what is overtaken is left out."""
        if operation.kind is OperationType.SUBSCRIPTION:
            refused = self.engine.refusal(operation, context)
            if refused is not None:
                yield refused
                return
            run = self._find_run(operation, context)
            if run is not None:
                outcomes = _listen(run)
            else:
                outcomes = _counted(self.engine.events(operation, context))
        else:
            outcomes = self.engine.stream(operation, context)
        async with aclosing(outcomes):
            async for outcome in outcomes:
                yield outcome

    def find_run(self, operation: Operation, context: Any) -> SharedRun | None:
        """Return the run to join at once; None: it is the caller's own, and to be streamed, or it
        is refused, which its stream tells. What ``begin_operation`` raises is raised."""
        if operation.kind is not OperationType.SUBSCRIPTION:
            return None
        if self.engine.refusal(operation, context) is not None:
            return None
        return self._find_run(operation, context)

    def _find_run(self, operation: Operation, context: Any) -> SharedRun | None:
        for_audience = getattr(context, "for_audience", None)
        if for_audience is None or _root_field(operation) not in self._shared_fields:
            return None
        request = operation.request
        try:
            variables = orjson.dumps(request.variables, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            return None
        audience, impersonal = for_audience()
        key = (operation.document.digest, operation.name, variables, audience)
        run = self._runs.get(key)
        if run is None:
            # What a client says besides is no part of the key, and does not come along.
            shared = replace(operation, request=replace(request, extensions=None))
            run = SharedRun(
                lambda: self.engine.events(shared, impersonal), lambda: self._forget(key, run)
            )
            self._runs[key] = run
        return run

    def _forget(self, key: Hashable, run: SharedRun | None) -> None:
        if self._runs.get(key) is run:
            del self._runs[key]


def _shared_fields(schema: Schema) -> frozenset[str]:
    root = schema._schema.subscription_type
    definitions = {
        name: field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        for name, field in (root.fields.items() if root is not None else ())
    }
    return frozenset(
        name
        for name, definition in definitions.items()
        if isinstance(definition, StrawberryField) and SHARED.items() <= definition.metadata.items()
    )


def _root_field(operation: Operation) -> str | None:
    """The field a subscription begins with, where it is written without a fragment."""
    (first, *others) = operation.node.selection_set.selections
    return first.name.value if isinstance(first, FieldNode) and not others else None


async def _listen(run: SharedRun) -> AsyncGenerator[Outcome, None]:
    """Follow a run as a stream, which leaves out what is overtaken before it is asked for."""
    member = _Listener()
    run.join(member)
    try:
        while True:
            await member.news.wait()
            member.news.clear()
            while member.inbox:
                outcome = member.inbox.take()
                if outcome is None:
                    return
                yield outcome
                if not outcome.executed:
                    return
    finally:
        ending = run.leave(member)
        if ending is not None:
            await asyncio.wait({ending})


async def _counted(events: AsyncGenerator[Outcome, None]) -> AsyncGenerator[Outcome, None]:
    with SUBSCRIPTIONS.track_inprogress():
        async with aclosing(events):
            async for outcome in events:
                yield outcome


class _Listener:
    def __init__(self) -> None:
        self.inbox = Inbox()
        self.news = asyncio.Event()

    def deliver(self, outcome: Outcome | None) -> None:
        self.inbox.put(outcome)
        self.news.set()
