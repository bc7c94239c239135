"""Documents, parsed and validated once and then reused for every request that sends the text."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    BREAK,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Lexer,
    OperationDefinitionNode,
    Source,
    TokenKind,
    Visitor,
    VisitorAction,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.validation import ASTValidationRule, recommended_rules
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.transport.costs import AnswerCost, answer_cost
from schema.transport.errors import (
    DOCUMENT_INVALID,
    DOCUMENT_SYNTAX,
    INTROSPECTION_DISABLED,
    OPERATION_UNKNOWN,
    DocumentRefused,
    coded,
)
from schema.transport.limits import (
    DocumentLimits,
    DocumentMeter,
    operation_cost,
    read_size,
    too_complex,
)
from schema.transport.persisted import digest_of
from schema.transport.planning import PlannedOperation

VALIDATION_RULES: tuple[type[ASTValidationRule], ...] = (
    *specified_rules,
    *recommended_rules,
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
MAX_VALIDATION_ERRORS = 10
INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})

# A node with its location keeps about this much memory per token (measured: 377).
_BYTES_PER_TOKEN = 400
_MAX_REMEMBERED_COSTS = 64


@dataclass(slots=True)
class PreparedDocument:
    """A document that passed parsing, the limits and validation; ``digest`` names its text.

    Attributes:
        memory_bytes: Estimated, with its plans as far as they have been weighed.
        is_kept: False once it is out of the cache.
    """

    digest: str
    node: DocumentNode
    operations: tuple[OperationDefinitionNode, ...]
    size_variables: tuple[str, ...]
    memory_bytes: int
    is_kept: bool = True
    _costs: dict[tuple[str | None, tuple[Any, ...]], int] = field(default_factory=dict)
    _answer_costs: dict[str | None, AnswerCost] = field(default_factory=dict)
    _plans: dict[str | None, PlannedOperation] = field(default_factory=dict)
    _weighed_bytes: int = 0

    def get_operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run.

        Raises:
            DocumentRefused: ``OPERATION_UNKNOWN``: no such name, or none given where the
                document holds several.
        """
        if name is None:
            if len(self.operations) == 1:
                return self.operations[0]
            message = "The document holds several operations: name one in operationName."
            if not self.operations:
                message = "The document holds no operation."
            raise DocumentRefused([coded(GraphQLError(message), OPERATION_UNKNOWN)])
        for operation in self.operations:
            if operation.name and operation.name.value == name:
                return operation
        message = f"The document holds no operation named '{name[:100]}'."
        raise DocumentRefused([coded(GraphQLError(message), OPERATION_UNKNOWN)])

    def cost_of(
        self,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
        schema: GraphQLSchema,
        limits: DocumentLimits,
    ) -> int:
        """The cost points of an operation, with the values of ``first`` and ``last`` that come
        from variables.

        Raises:
            DocumentRefused: ``DOCUMENT_TOO_COMPLEX``: more than ``limits`` allow anybody.
        """
        values = variables or {}
        sizes = tuple(read_size(values.get(name)) for name in self.size_variables)
        key = (operation.name.value if operation.name else None, sizes)
        cost = self._costs.get(key)
        if cost is None:
            cost = operation_cost(schema, self.node, operation, limits, values)
            if len(self._costs) < _MAX_REMEMBERED_COSTS:
                self._costs[key] = cost
        if cost > limits.cost:
            raise too_complex("cost points", cost, limits.cost)
        return cost

    def answer_cost(self, operation: OperationDefinitionNode, schema: GraphQLSchema) -> AnswerCost:
        """Return what counts the cost points of an answer to an operation."""
        name = operation.name.value if operation.name else None
        counted = self._answer_costs.get(name)
        if counted is None:
            counted = self._answer_costs[name] = answer_cost(schema, self.node, operation)
        return counted

    def plan_of(
        self, operation: OperationDefinitionNode, schema: GraphQLSchema
    ) -> PlannedOperation:
        """Return what runs an operation."""
        name = operation.name.value if operation.name else None
        plan = self._plans.get(name)
        if plan is None:
            plan = self._plans[name] = PlannedOperation(schema, self.node, operation)
        return plan

    def weigh_plans(self) -> int:
        """Return by how many bytes its plans have grown since they were last weighed."""
        bytes_now = sum(plan.memory_bytes for plan in self._plans.values())
        grown = bytes_now - self._weighed_bytes
        self._weighed_bytes = bytes_now
        self.memory_bytes += grown
        return grown


class DocumentCache:
    """Least recently used documents with their plans, bounded by the memory they hold.

    Refused documents are not kept: nobody sends them often except to fill a cache.

    Args:
        memory_bytes: Estimated bytes of syntax trees and plans to keep at most.
        is_discoverable: False refuses introspection, and takes out of the messages what
            graphql-core suggests in place of a name that does not exist.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: DocumentLimits,
        *,
        memory_bytes: int = 32 * 1024 * 1024,
        is_discoverable: bool = True,
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._capacity_bytes = memory_bytes
        self._is_discoverable = is_discoverable
        self._documents: OrderedDict[str, PreparedDocument] = OrderedDict()
        self.memory_bytes = 0

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, text: str) -> PreparedDocument:
        """The prepared document of this text.

        Raises:
            DocumentRefused: ``DOCUMENT_SYNTAX``, ``DOCUMENT_TOO_COMPLEX``,
                ``INTROSPECTION_DISABLED`` or ``DOCUMENT_INVALID``.
        """
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
            return document
        document = self._prepare(text)
        self._documents[text] = document
        self.memory_bytes += document.memory_bytes
        self._make_room()
        return document

    def weigh(self, document: PreparedDocument) -> None:
        """Count what has been planned of a document: a plan grows while it is used."""
        if document.is_kept and (grown := document.weigh_plans()):
            self.memory_bytes += grown
            self._make_room()

    def _make_room(self) -> None:
        while self.memory_bytes > self._capacity_bytes:
            _, evicted = self._documents.popitem(last=False)
            evicted.is_kept = False
            self.memory_bytes -= evicted.memory_bytes

    def _prepare(self, text: str) -> PreparedDocument:
        node = self._parse(text)
        # Before validation, whose cost is what some of the limits bound.
        meter = DocumentMeter(self._schema, node, self._limits)
        meter.check()
        if not self._is_discoverable:
            _refuse_introspection(node)
        errors = validate(
            self._schema,
            node,
            VALIDATION_RULES,
            max_errors=MAX_VALIDATION_ERRORS,
            hide_suggestions=not self._is_discoverable,
        )
        if errors:
            if not self._is_discoverable:
                for error in errors:
                    # One rule, of missing subfields, suggests whatever it was told.
                    error.message = error.message.partition(" Did you mean ")[0]
            raise DocumentRefused([coded(error, DOCUMENT_INVALID) for error in errors])
        return PreparedDocument(
            digest=digest_of(text),
            node=node,
            operations=tuple(
                definition
                for definition in node.definitions
                if isinstance(definition, OperationDefinitionNode)
            ),
            size_variables=tuple(sorted(meter.size_variables)),
            memory_bytes=len(text) * 4 + node.token_count * _BYTES_PER_TOKEN,
        )

    def _parse(self, text: str) -> DocumentNode:
        limits = self._limits
        if len(text) > limits.characters:
            raise too_complex("characters", len(text), limits.characters)
        try:
            return parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
        except GraphQLSyntaxError as error:
            if _is_longer_than(text, limits.tokens):
                raise too_complex("tokens", None, limits.tokens) from None
            raise DocumentRefused([coded(error, DOCUMENT_SYNTAX)]) from None


class _IntrospectionFinder(Visitor):
    """Finds the first field that asks for the schema itself, in fragments too."""

    found: FieldNode | None = None

    def enter_field(self, node: FieldNode, *_: Any) -> VisitorAction:
        if node.name.value in INTROSPECTION_FIELDS:
            self.found = node
            return BREAK
        return None


def _refuse_introspection(document: DocumentNode) -> None:
    finder = _IntrospectionFinder()
    visit(document, finder)
    if finder.found is not None:
        name = finder.found.name.value
        message = f"Introspection is turned off: '{name}' is not answered."
        raise DocumentRefused([coded(GraphQLError(message, finder.found), INTROSPECTION_DISABLED)])


def _is_longer_than(text: str, tokens: int) -> bool:
    """Whether a text the parser gave up on has too many tokens, or merely a mistake."""
    if text.count("#") > tokens:
        return True
    lexer = Lexer(Source(text))
    try:
        for _ in range(tokens + 1):
            if lexer.advance().kind is TokenKind.EOF:
                return False
    except GraphQLSyntaxError:
        return False
    return True
