"""How much a document may ask for, measured in one pass before anything expensive looks at it.

Every fragment is measured once and its result reused wherever it is spread, so the work grows
with the length of the document and not with what it expands to: nineteen fragments that each
spread the next one twice are half a million fields, and twenty measurements.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from schema.transport.costs import field_weights
from schema.transport.errors import DOCUMENT_TOO_COMPLEX, DocumentRefused, coded

SIZE_ARGUMENTS = ("first", "last")

# Counts stop growing here: far above every limit, small enough to stay cheap to multiply.
_CEILING = 10**9


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Upper bounds for one document. The defaults admit the standard introspection query.

    Attributes:
        characters: Length of the document text.
        tokens: Lexical tokens, and separately comments.
        depth: Nested fields; fragments count where they are spread.
        aliases: Aliased fields of one operation, fragments expanded.
        root_fields: Fields on the root type of one operation, fragments expanded.
        fragments: Fragment definitions.
        operations: Operations, of which a request runs one.
        directives: Directives of one operation, fragments expanded, on its variables too.
        repeats: Fields that repeat a response name already in their selection set. Validation
            compares such fields pairwise, so this is what keeps it from going quadratic.
        cost: Estimated work for the answer: every field counts one, or what it declares by
            ``@cost``, times the ``first`` or ``last`` of each list around it. A context may allow
            its caller less.
        page_size: Assumed for a field that takes ``first`` or ``last`` and was given neither.
        list_length: Assumed for a list that takes neither. Lists of the introspection types
            count once; ``MaxIntrospectionDepthRule`` bounds those.
    """

    characters: int = 50_000
    tokens: int = 2_000
    depth: int = 15
    aliases: int = 50
    root_fields: int = 20
    fragments: int = 50
    operations: int = 50
    directives: int = 50
    repeats: int = 50
    cost: int = 10_000
    page_size: int = 20
    list_length: int = 3


def too_complex(what: str, measured: int | None, limit: int) -> DocumentRefused:
    """The refusal that names the limit, and what was measured where that is known."""
    found = f"has {measured}" if measured is not None else "has more"
    message = f"The document is too complex: at most {limit} {what} are allowed, it {found}."
    return DocumentRefused([coded(GraphQLError(message), DOCUMENT_TOO_COMPLEX)])


@dataclass(slots=True)
class _Measure:
    """What one selection set amounts to, its fragments expanded.

    Attributes:
        listed: the cost of those lists in it that are the page its field was asked for; the rest
            of a connection (``totalCount``, ``pageInfo``) is there once.
    """

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    cost: int = 0
    listed: int = 0
    names: set[str] = field(default_factory=set)

    def add(self, part: "_Measure") -> None:
        self.depth = max(self.depth, part.depth)
        self.aliases = min(self.aliases + part.aliases, _CEILING)
        self.directives = min(self.directives + part.directives, _CEILING)
        self.fields = min(self.fields + part.fields, _CEILING)
        self.cost = min(self.cost + part.cost, _CEILING)
        self.listed = min(self.listed + part.listed, _CEILING)


def operation_cost(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    limits: DocumentLimits,
    variables: Mapping[str, Any],
) -> int:
    """Cost of an operation with the variables of one request, their defaults applied."""
    defaults = {
        definition.variable.name.value: int(definition.default_value.value[:10])
        for definition in operation.variable_definitions or ()
        if isinstance(definition.default_value, IntValueNode)
    }
    return DocumentMeter(schema, document, limits, {**defaults, **variables}).cost_of(operation)


class DocumentMeter:
    """Measures a parsed document against a schema; the document need not be valid.

    Unknown fragments, types and fields count as nothing and a spread that closes a cycle adds
    nothing: reporting them is the business of validation.

    Args:
        variables: Values for ``first: $n``. None, while they are unknown, counts such a list
            as one item; ``operation_cost`` measures again with the values of a request.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        limits: DocumentLimits,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._variables = variables
        self._weights = field_weights(schema)
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._operations = [
            node for node in document.definitions if isinstance(node, OperationDefinitionNode)
        ]
        self._measured: dict[tuple[str, bool], _Measure] = {}
        self.repeats = 0
        self.size_variables: set[str] = set()

    def check(self) -> None:
        """Refuse the document when any of its operations is over a limit.

        Raises:
            DocumentRefused: With code ``DOCUMENT_TOO_COMPLEX``.
        """
        limits = self._limits
        if len(self._fragments) > limits.fragments:
            raise too_complex("fragments", len(self._fragments), limits.fragments)
        if len(self._operations) > limits.operations:
            raise too_complex("operations", len(self._operations), limits.operations)
        self._measure_fragments()
        for operation in self._operations:
            total = self._measure_operation(operation)
            for what, measured, limit in (
                ("levels", total.depth, limits.depth),
                ("aliases", total.aliases, limits.aliases),
                ("directives", total.directives, limits.directives),
                ("root fields", total.fields, limits.root_fields),
                ("cost points", total.cost, limits.cost),
            ):
                if measured > limit:
                    raise too_complex(what, measured if measured < _CEILING else None, limit)
        if self.repeats > limits.repeats:
            raise too_complex("repeated fields", self.repeats, limits.repeats)

    def cost_of(self, operation: OperationDefinitionNode) -> int:
        """Estimated work for one of the document's operations, in cost points."""
        self._measure_fragments()
        return self._measure_operation(operation).cost

    def _measure_operation(self, operation: OperationDefinitionNode) -> _Measure:
        root = self._schema.get_root_type(operation.operation)
        total = self._measure_selections(operation.selection_set, root, sized=False)
        total.directives += len(operation.directives or ()) + sum(
            len(definition.directives or ()) for definition in operation.variable_definitions or ()
        )
        return total

    def _measure_fragments(self) -> None:
        for name in self._inner_fragments_first():
            fragment = self._fragments[name]
            parent = self._schema.get_type(fragment.type_condition.name.value)
            for sized in (False, True):
                if (name, sized) not in self._measured:
                    before = self.repeats
                    measure = self._measure_selections(fragment.selection_set, parent, sized=sized)
                    measure.directives += len(fragment.directives or ())
                    self._measured[name, sized] = measure
                    if sized:
                        self.repeats = before

    def _inner_fragments_first(self) -> list[str]:
        """Fragment names so that what a fragment spreads comes before it. No recursion: a chain
        of fragments may be longer than the stack is deep."""
        spreads = {name: _spread_names(node) for name, node in self._fragments.items()}
        order: list[str] = []
        entered: set[str] = set()
        for start in spreads:
            if start in entered:
                continue
            entered.add(start)
            path: list[tuple[str, Iterator[str]]] = [(start, iter(spreads[start]))]
            while path:
                name, inner = path[-1]
                following = next((i for i in inner if i in spreads and i not in entered), None)
                if following is None:
                    order.append(name)
                    path.pop()
                else:
                    entered.add(following)
                    path.append((following, iter(spreads[following])))
        return order

    def _measure_selections(
        self, selections: SelectionSetNode, parent: GraphQLNamedType | None, *, sized: bool
    ) -> _Measure:
        """Measure one selection set. The parser bounds how deep this recursion can go.

        Args:
            sized: The field around it multiplies by its ``first`` or ``last``, so
                the list right beneath (``edges``, ``nodes``) is that same list, and the only thing
                that is multiplied.
        """
        total = _Measure()
        for node in selections.selections:
            total.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                total.add(self._measure_field(node, parent, sized=sized))
                self._see(total.names, {(node.alias or node.name).value})
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = self._schema.get_type(condition.name.value) if condition else parent
                part = self._measure_selections(node.selection_set, inner, sized=sized)
                total.add(part)
                self._see(total.names, part.names)
            elif isinstance(node, FragmentSpreadNode):
                measured = self._measured.get((node.name.value, sized))
                if measured is not None:
                    total.add(measured)
                    self._see(total.names, measured.names)
        return total

    def _see(self, names: set[str], more: set[str]) -> None:
        self.repeats += len(names & more)
        names |= more

    def _measure_field(
        self, node: FieldNode, parent: GraphQLNamedType | None, *, sized: bool
    ) -> _Measure:
        weight = self._weights.get((parent.name, node.name.value), 1) if parent is not None else 1
        measure = _Measure(depth=1, aliases=1 if node.alias else 0, fields=1, cost=weight)
        if node.selection_set is None:
            return measure
        definition = (
            self._schema.get_field(parent, node.name.value)
            if parent is not None and is_composite_type(parent)
            else None
        )
        factor, is_list, children_sized = 1, False, False
        child_type = None
        if definition is not None and parent is not None:
            child_type = get_named_type(definition.type)
            is_list = is_list_type(get_nullable_type(definition.type))
            if any(name in definition.args for name in SIZE_ARGUMENTS):
                factor, children_sized = self._page_size(node, definition), not is_list
            elif is_list and not sized and not parent.name.startswith("__"):
                factor = self._limits.list_length
        children = self._measure_selections(node.selection_set, child_type, sized=children_sized)
        measure.depth += children.depth
        measure.aliases = min(measure.aliases + children.aliases, _CEILING)
        measure.directives = min(measure.directives + children.directives, _CEILING)
        if children_sized:
            cost = weight + children.cost + factor * children.listed
        else:
            cost = weight + factor * children.cost
        measure.cost = min(cost, _CEILING)
        if sized and is_list:
            measure.cost, measure.listed = 0, measure.cost
        return measure

    def _page_size(self, node: FieldNode, definition: GraphQLField) -> int:
        given = [
            size
            for argument in node.arguments or ()
            if argument.name.value in SIZE_ARGUMENTS
            and (size := self._size_of(argument.value)) is not None
        ]
        if given:
            return min(max(0, *given), _CEILING)
        defaults = [
            size
            for name in SIZE_ARGUMENTS
            if (argument := definition.args.get(name))
            and (size := _default_of(argument)) is not None
        ]
        return max(defaults, default=self._limits.page_size)

    def _size_of(self, value: object) -> int | None:
        if isinstance(value, IntValueNode):
            # Ten digits are beyond the ceiling, and int() refuses thousands of them.
            return int(value.value[:10])
        if isinstance(value, VariableNode):
            self.size_variables.add(value.name.value)
            if self._variables is None:
                return 1
            return read_size(self._variables.get(value.name.value))
        return None


def read_size(value: object) -> int | None:
    """Return how many a variable asks for, by what an ``Int`` takes: ``100.0`` is a hundred too."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


def _default_of(argument: GraphQLArgument) -> int | None:
    # graphql-core keeps a default as a coerced value or, newer, as an external one.
    external = argument.default.value if argument.default else None
    return next((v for v in (argument.default_value, external) if isinstance(v, int)), None)


def _spread_names(fragment: FragmentDefinitionNode) -> list[str]:
    names: list[str] = []
    stack = [fragment.selection_set]
    while stack:
        for node in stack.pop().selections:
            if isinstance(node, FragmentSpreadNode):
                names.append(node.name.value)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                stack.append(node.selection_set)
    return names
