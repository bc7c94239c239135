"""Runs operations by plans made once per document, without the layers that work per request.

Strawberry's ``Schema.execute`` builds an execution context, an extensions runner and a middleware
manager for every request and, without caches, parses and validates the document again; the executor
that it calls works out again what the document asks for (``schema.transport.planning``). Building
the executor here tells variables that do not fit from fields that failed.
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Hashable,
    Mapping,
)
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar, cast

import orjson
import structlog
from graphql import (
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    located_error,
)
from graphql.execution import Executor, create_source_event_stream, map_source_to_response_event
from graphql.execution.values import VariableValues
from strawberry import Schema

from schema.transport.costs import CostTold
from schema.transport.documents import DocumentCache, PreparedDocument
from schema.transport.errors import VARIABLES_INVALID, OperationTimedOut, coded
from schema.transport.executors import Awaitables, free_of_cycles, is_awaitable
from schema.transport.limits import DocumentLimits, too_complex
from schema.transport.metrics import TIMEOUTS
from schema.transport.persisted import PersistedTexts, SharedTexts
from schema.transport.planning import PlannedOperation
from schema.transport.requests import OperationRequest

T = TypeVar("T")
MutationHook = Callable[[Any, Mapping[str, int], Mapping[str, Any]], Awaitable[None]]
Foresee = Callable[[Any, str, Callable[[], Mapping[str, Any]]], Awaitable[Hashable | None]]
"""Tells of a mutation, by its context, the name of its only field and what reads that field's
arguments, what its answer will be: see ``Engine``."""

_log = structlog.get_logger(__name__)

MOST_FORETOLD = 1_000
"""Answers of mutations that are kept because they are known beforehand."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that passed every check that needs no variables but ``first`` and ``last``, and
    does not depend on who asks.

    Attributes:
        cost: in points; see ``DocumentLimits.cost``.
    """

    request: OperationRequest
    document: PreparedDocument
    node: OperationDefinitionNode
    cost: int

    @property
    def kind(self) -> OperationType:
        return self.node.operation

    @property
    def name(self) -> str | None:
        return self.node.name.value if self.node.name else None


@dataclass(slots=True)
class Outcome:
    """One result.

    Attributes:
        executed: False when it ended before any field was resolved (bad variables, a subscription
            that could not start) or when a stream broke; the answer then has no ``data`` entry.
        cost: What the operation took, where its caller is told: not with events.
        encoded: The response as JSON, where it is the same for many.
    """

    data: dict[str, Any] | None = None
    errors: list[GraphQLError] | None = None
    executed: bool = True
    cost: CostTold | None = None
    encoded: bytes | None = None


class Engine:
    """Prepares and runs the operations of one schema.

    Args:
        renew_context: Derives a fresh context from a given one. It is called for every event of a
            subscription (and by the WebSocket for every operation), so that dataloaders never
            answer a later event from an earlier one's cache.
        on_mutation: Called before any field of a mutation is run, with the context, the names of
            its root fields and how often each is asked for, and the request's extensions. What it
            raises is answered, and nothing is run.
        foresee: Called after ``on_mutation`` with mutations of one field that is asked with one
            variable. Returns what the answer depends on besides the document, or None where it is
            not known before the mutation was run. Of what is known it has to tell the context, so
            that running it does nothing else: the first answer of its kind is made by running it,
            all others are that one.
        is_discoverable: See ``DocumentCache``.
        timeout_seconds: How long a query, a mutation, the beginning of a subscription and each of
            its events may take. Then its resolvers are cancelled and it is answered ``TIMEOUT``.
            A subscription may wait for its events as long as it likes.
        persisted_memory_bytes: Memory for texts that clients name by their hash.
        shared_texts: Where the processes of a deployment share them.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        limits: DocumentLimits,
        document_memory_bytes: int,
        renew_context: Callable[[Any], Any],
        on_mutation: MutationHook | None = None,
        foresee: Foresee | None = None,
        is_discoverable: bool = True,
        timeout_seconds: float = 10.0,
        persisted_memory_bytes: int = 4 * 1024 * 1024,
        shared_texts: SharedTexts | None = None,
    ) -> None:
        if schema.extensions or schema.directives:
            raise ValueError(
                "Schema extensions and operation directives run inside Schema.execute, "
                "which this transport replaces: they would be skipped silently."
            )
        self.documents = DocumentCache(
            schema._schema,
            limits,
            memory_bytes=document_memory_bytes,
            is_discoverable=is_discoverable,
        )
        self.texts = PersistedTexts(memory_bytes=persisted_memory_bytes, shared=shared_texts)
        self._is_discoverable = is_discoverable
        self._timeout_seconds = timeout_seconds
        self._schema = schema._schema
        self._limits = limits
        self._executor_class = free_of_cycles(schema.execution_context_class)
        self._renew_context = renew_context
        self._on_mutation = on_mutation
        self._foresee = foresee
        self._foretold: dict[Hashable, Outcome] = {}

    async def receive(self, request: OperationRequest) -> Operation:
        """Find the operation to run, also one whose document the client names by its hash.

        Raises:
            DocumentRefused: See ``prepare`` and ``PersistedTexts.resolve``.
        """
        request = await self.texts.resolve(request)
        operation = self.prepare(request)
        await self.texts.learn(request)
        return operation

    def prepare(self, request: OperationRequest) -> Operation:
        """Find the operation to run; parse and validate its document unless that is known.

        Raises:
            DocumentRefused: See ``DocumentCache.get`` and ``PreparedDocument.get_operation``.
        """
        document = self.documents.get(request.query)
        node = document.get_operation(request.operation_name)
        cost = document.cost_of(node, request.variables, self._schema, self._limits)
        return Operation(request=request, document=document, node=node, cost=cost)

    async def execute(self, operation: Operation, context: Any) -> Outcome:
        """Run a query or a mutation. Failures of resolvers are in ``Outcome.errors``.

        Where the context has a ``cost_limit``, an operation that costs more is refused.
        """
        _begin(operation, context)
        cost = _cost_for(operation, context)
        plan = self._plan_of(operation)
        is_mutation = operation.kind is OperationType.MUTATION
        if is_mutation and plan.sole is not None and self._foresee is not None:
            return await self._execute_sole(plan, operation, context, cost)
        executor = self._build(plan, operation, context, cost)
        if isinstance(executor, list):
            return Outcome(errors=executor, executed=False, cost=cost)
        if self._on_mutation is not None and is_mutation:
            fields = plan.root_fields(executor)
            await self._on_mutation(context, fields, operation.request.extensions or {})
        return await self._run(plan, executor, operation, cost)

    async def _execute_sole(
        self, plan: PlannedOperation, operation: Operation, context: Any, cost: CostTold | None
    ) -> Outcome:
        """Run a mutation of one field, unless it is known beforehand what comes of it."""
        field, foresee = plan.sole, self._foresee
        assert field is not None
        assert foresee is not None
        variables = self._coerce(plan, operation, cost)
        if isinstance(variables, list):
            return Outcome(errors=variables, executed=False, cost=cost)
        if self._on_mutation is not None:
            extensions = operation.request.extensions or {}
            await self._on_mutation(context, field.counted, extensions)
        read_arguments = partial(field.arguments, variables.coerced)
        try:
            foreseen = foresee(context, field.name, read_arguments)
            foretold = await self._in_time(foreseen, operation.node)
        except OperationTimedOut as failure:
            return Outcome(errors=[located_error(failure)], cost=cost)
        known_as = operation.document.digest, operation.request.operation_name, cost, foretold
        known = None if foretold is None else self._foretold.get(known_as)
        if known is None:
            executor = self._build_with(variables, plan, operation, context)
            known = await self._run(plan, executor, operation, cost)
            if foretold is not None and not known.errors:
                known.encoded = orjson.dumps(response_body(known, []))
                if len(self._foretold) >= MOST_FORETOLD:
                    self._foretold.clear()
                self._foretold[known_as] = known
        return known

    async def _run(
        self,
        plan: PlannedOperation,
        executor: Executor[Any],
        operation: Operation,
        cost: CostTold | None,
    ) -> Outcome:
        result = await self._settle(executor, plan.execute)
        self.documents.weigh(operation.document)
        if cost is not None and result.data is not None:
            counted = operation.document.answer_cost(operation.node, self._schema)
            cost = replace(cost, actual=counted.of(result.data))
        return Outcome(data=result.data, errors=result.errors, cost=cost)

    async def stream(self, operation: Operation, context: Any) -> AsyncGenerator[Outcome, None]:
        """Run any operation as a stream: a query or a mutation yields once, a subscription once
        per event. Closing the stream closes the resolver's generator."""
        if operation.kind is not OperationType.SUBSCRIPTION:
            yield await self.execute(operation, context)
            return
        refused = self.refusal(operation, context)
        if refused is not None:
            yield refused
            return
        async with aclosing(self.events(operation, context)) as outcomes:
            async for outcome in outcomes:
                yield outcome

    def refusal(self, operation: Operation, context: Any) -> Outcome | None:
        """The answer to a subscription that this caller may not begin, or that cannot be; None: it
        can. What the context's ``begin_operation`` raises is raised."""
        _begin(operation, context)
        cost = _cost_for(operation, context)
        built = self._build(self._plan_of(operation), operation, context, cost)
        return Outcome(errors=built, executed=False, cost=cost) if isinstance(built, list) else None

    async def events(self, operation: Operation, context: Any) -> AsyncGenerator[Outcome, None]:
        """Run a subscription that was not refused, whatever it costs."""
        plan = self._plan_of(operation)
        executor = self._build(plan, operation, context, None)
        if isinstance(executor, list):
            yield Outcome(errors=executor, executed=False)
            return
        source = create_source_event_stream(executor)
        if executor.is_awaitable(source):
            try:
                source = await self._in_time(source, executor.operation)
            except OperationTimedOut as failure:
                yield Outcome(errors=[located_error(failure)], executed=False)
                return
        if isinstance(source, ExecutionResult):
            yield Outcome(errors=source.errors, executed=False)
            return
        execute_event = partial(self._execute_event, plan)
        events = map_source_to_response_event(
            executor, cast(AsyncIterable[Any], source), execute_event
        )
        try:
            async with aclosing(events):
                async for result in events:
                    self.documents.weigh(operation.document)
                    yield Outcome(data=result.data, errors=result.errors)
        except Exception as failure:
            # The resolver's generator raised: graphql-core lets that through.
            yield Outcome(errors=[located_error(failure)], executed=False)

    async def _execute_event(
        self, plan: PlannedOperation, executor: Executor[Any]
    ) -> ExecutionResult:
        executor.context_value = self._renew_context(executor.context_value)
        return await self._settle(executor, plan.execute)

    def _plan_of(self, operation: Operation) -> PlannedOperation:
        return operation.document.plan_of(operation.node, self._schema)

    def _build(
        self, plan: PlannedOperation, operation: Operation, context: Any, cost: CostTold | None
    ) -> Executor[Any] | list[GraphQLError]:
        variables = self._coerce(plan, operation, cost)
        if isinstance(variables, list):
            return variables
        return self._build_with(variables, plan, operation, context)

    def _coerce(
        self, plan: PlannedOperation, operation: Operation, cost: CostTold | None
    ) -> VariableValues | list[GraphQLError]:
        """Return the variables of an operation, or why it is not run."""
        if cost is not None and cost.requested > cost.limit:
            return too_complex("cost points", cost.requested, cost.limit).errors
        variables = plan.coerce(
            operation.request.variables or {}, hide_suggestions=not self._is_discoverable
        )
        if isinstance(variables, list):
            return [coded(error, VARIABLES_INVALID) for error in variables]
        return variables

    def _build_with(
        self, variables: VariableValues, plan: PlannedOperation, operation: Operation, context: Any
    ) -> Executor[Any]:
        return plan.build(
            variables,
            self._executor_class,
            context=context,
            hide_suggestions=not self._is_discoverable,
            is_awaitable=is_awaitable,
            operation_extensions=operation.request.extensions,
        )

    async def _settle(
        self, executor: Executor[Any], run: Callable[[Executor[Any]], Any]
    ) -> ExecutionResult:
        awaitables = Awaitables()
        executor.is_awaitable = awaitables.is_awaitable
        is_whole = False
        try:
            result = run(executor)
            if is_awaitable(result):
                result = await self._in_time(result, executor.operation)
            is_whole = not result.errors
            return cast(ExecutionResult, result)
        except OperationTimedOut as failure:
            return ExecutionResult(data=None, errors=[located_error(failure)])
        finally:
            if not is_whole:
                awaitables.close_soon()

    async def _in_time(self, awaitable: Awaitable[T], operation: OperationDefinitionNode) -> T:
        """Await it; what it waits for is cancelled when time is up.

        Raises:
            OperationTimedOut: it was.
        """
        limit = asyncio.timeout(self._timeout_seconds)
        try:
            async with limit:
                return await awaitable
        except TimeoutError:
            # A resolver may raise one of its own.
            if not limit.expired():
                raise
        TIMEOUTS.labels(operation.operation.value).inc()
        _log.warning(
            "graphql.timed_out",
            operation=operation.operation.value,
            operation_name=operation.name.value[:100] if operation.name else None,
            seconds=self._timeout_seconds,
        )
        raise OperationTimedOut(self._timeout_seconds)


def _begin(operation: Operation, context: Any) -> None:
    begin = getattr(context, "begin_operation", None)
    if begin is not None:
        begin(operation.document.digest, is_mutation=operation.kind is OperationType.MUTATION)


def _cost_for(operation: Operation, context: Any) -> CostTold | None:
    limit = getattr(context, "cost_limit", None)
    return CostTold(operation.cost, limit) if isinstance(limit, int) else None


def response_body(outcome: Outcome, errors: list[dict[str, Any]]) -> Mapping[str, Any]:
    """The GraphQL response map: ``data`` only when fields were resolved, ``errors`` only if any,
    ``extensions`` with the cost where it is told."""
    body: dict[str, Any] = {"errors": errors} if errors else {}
    if outcome.executed:
        body["data"] = outcome.data
    if outcome.cost is not None:
        body["extensions"] = {"cost": outcome.cost.to_json()}
    return body
