"""Operations planned once per document, and run by what was planned.

graphql-core walks the syntax tree of every request anew: it collects fields, looks up definitions,
coerces arguments, asks of each value whether it can be awaited and of each type what kind it is;
Strawberry wraps each resolver in three to six calls. All that depends on the document alone, or on
the document and the values of a few booleans, so it is done when an operation is first met and
kept with the document. What is left per field is a closure: read, check, put into the answer.

What stays graphql-core's, so that an answer is the same to the byte: the ``Executor`` carries the
state of an execution, and its own methods coerce variables and arguments, collect fields, locate
errors, decide how far a null spreads and settle what was broken off. Whatever the plan does not
know for certain (a resolver, type or list that is not what Strawberry makes by default) is given to
the executor's own method for that field and everything below it.

- ``operations``: an operation with its plans, and how it begins and ends.
- ``selections``: the fields of an object, side by side or one after the other.
- ``fields``: one field: resolve, complete, or fail where it stands.
- ``resolvers`` and ``info``: what Strawberry would do to answer a field, without the wrapping.
- ``arguments``, ``inputs`` and ``variables``: what a field is asked with.
- ``sole``: operations of one field that is asked with one variable.
- ``completion`` and ``leaves``: from a resolver's value to the one in the answer.
"""

from schema.transport.planning.operations import PlannedOperation

__all__ = ["PlannedOperation"]
