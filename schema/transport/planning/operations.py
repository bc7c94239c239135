"""An operation with its plans, one for each combination of the booleans that select its fields."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import CoroutineType
from typing import Any, TypeGuard

from graphql import (
    DirectiveNode,
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    default_field_resolver,
    default_type_resolver,
    visit,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FragmentDetails, GroupedFieldSet, collect_fields
from graphql.execution.executor import SELECTIONS_NESTED_TOO_DEEPLY
from graphql.execution.values import VariableValues
from graphql.pyutils import AwaitableOrValue, Undefined

from schema.transport.planning.fields import plan_field
from schema.transport.planning.places import Execute, Place
from schema.transport.planning.selections import Selection
from schema.transport.planning.sole import sole_field_of
from schema.transport.planning.variables import Variables

MAX_PLANS = 8
"""How many combinations of booleans are planned; whatever asks for more is run unplanned."""

BYTES_PER_FIELD = 3_000
"""What a planned field keeps of memory (measured: 3,000)."""

CONDITIONS = frozenset({"skip", "include"})
INCREMENTAL = ("defer", "stream")


class PlannedOperation:
    """Runs one operation of a validated document.

    Attributes:
        sole: Its only field, where it is one that is asked with one variable.
        memory_bytes: Estimated; it grows with the types and the conditions that have been met.
    """

    __slots__ = (
        "_can_plan",
        "_conditions",
        "_definitions",
        "_fragments",
        "_operation",
        "_plans",
        "_root_fields",
        "_schema",
        "_variables",
        "memory_bytes",
        "sole",
    )

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._variables = Variables(schema, operation)
        self.sole = sole_field_of(schema, operation)
        self._definitions = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._fragments = {name: FragmentDetails(node) for name, node in self._definitions.items()}
        finder = _ConditionFinder()
        visit(document, finder)
        self._conditions = tuple(sorted(finder.variables))
        self._can_plan = not any(schema.get_directive(name) for name in INCREMENTAL)
        self._plans: dict[tuple[Any, ...], Selection] = {}
        self._root_fields: dict[tuple[Any, ...], Counter[str]] = {}
        self.memory_bytes = 0

    def coerce(
        self, values: Mapping[str, Any], *, hide_suggestions: bool
    ) -> VariableValues | list[GraphQLError]:
        """Return what its variables are, or what is wrong with their values."""
        return self._variables.coerce(values, hide_suggestions=hide_suggestions)

    def build(
        self,
        variables: VariableValues,
        executor_class: type[Executor[Any]],
        *,
        context: Any,
        is_awaitable: Callable[[Any], TypeGuard[Awaitable[Any]]],
        hide_suggestions: bool,
        **more: Any,
    ) -> Executor[Any]:
        """Return the executor of one request (``Executor.build``), whose variables are known."""
        return executor_class(
            self._schema,
            self._definitions,
            self._fragments,
            None,
            context,
            self._operation,
            variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=is_awaitable,
            hide_suggestions=hide_suggestions,
            **more,
        )

    def execute(self, executor: Executor[Any]) -> AwaitableOrValue[ExecutionResult]:
        """Run it with what an executor carries (``Executor.execute_operation``).

        An event of a subscription is an execution of its own, with the event as the source.
        """
        key = self._key(executor)
        selection = self._plans.get(key)
        if selection is None:
            selection = self._find_plan(executor, key)
            if selection is None:
                return executor.execute_operation()  # type: ignore[return-value]
        executor.coerced_arguments = {}  # type: ignore[attr-defined]
        try:
            if executor.operation.operation is OperationType.MUTATION:
                data = selection.execute_serially(executor, executor.root_value)
            else:
                data = selection.execute(executor, executor.root_value, None)
        except GraphQLError as error:
            executor.collected_errors.add(error, None)
            return _respond(executor, None)
        if type(data) is CoroutineType:
            return _await_data(executor, data)
        return _respond(executor, data)

    def root_fields(self, executor: Executor[Any]) -> Counter[str]:
        """Return the names of the fields it begins with, by how often each is resolved."""
        key = self._key(executor)
        counted = self._root_fields.get(key)
        if counted is None:
            counted = root_fields(executor)
            if len(self._root_fields) < MAX_PLANS:
                self._root_fields[key] = counted
        return counted

    def _key(self, executor: Executor[Any]) -> tuple[Any, ...]:
        values = executor.variable_values.coerced
        return tuple(values.get(name, Undefined) for name in self._conditions)

    def _find_plan(self, executor: Executor[Any], key: tuple[Any, ...]) -> Selection | None:
        root = executor.schema.get_root_type(executor.operation.operation)
        if (
            root is None
            or not self._can_plan
            or len(self._plans) >= MAX_PLANS
            or executor.middleware_manager is not None
            or executor.abort_signal is not None
        ):
            return None
        self._plans[key] = selection = Selection(root, _collect_root, self._plan_field)
        return selection

    def _plan_field(self, place: Place) -> Execute:
        self.memory_bytes += BYTES_PER_FIELD
        return plan_field(place)


def root_fields(executor: Executor[Any]) -> Counter[str]:
    """The names of the fields an operation begins with, by how often the executor resolves each."""
    root = executor.schema.get_root_type(executor.operation.operation)
    if root is None:
        return Counter()
    try:
        collected = _collect_root(executor)
    except GraphQLError:
        # The execution will stumble over the same, and tell.
        return Counter()
    return Counter(details[0].node.name.value for details in collected.values())


def _collect_root(executor: Executor[Any]) -> GroupedFieldSet:
    root = executor.schema.get_root_type(executor.operation.operation)
    assert root is not None
    try:
        return collect_fields(
            executor.schema,
            executor.fragments,
            executor.variable_values,
            root,
            executor.operation,
            executor.hide_suggestions,
        ).grouped_field_set
    except RecursionError:
        pass
    # Outside of the block above, or the error would keep all the frames of the recursion alive.
    raise GraphQLError(SELECTIONS_NESTED_TOO_DEEPLY, executor.operation)


async def _await_data(executor: Executor[Any], data: Any) -> ExecutionResult:
    try:
        data = await data
    except GraphQLError as error:
        executor.collected_errors.add(error, None)
        data = None
    return _respond(executor, data)


def _respond(executor: Executor[Any], data: dict[str, Any] | None) -> ExecutionResult:
    return ExecutionResult(data, executor.collected_errors.errors or None)


class _ConditionFinder(Visitor):
    """Finds the variables that decide whether something is selected."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value in CONDITIONS:
            for argument in node.arguments or ():
                if isinstance(argument.value, VariableNode):
                    self.variables.add(argument.value.name.value)
