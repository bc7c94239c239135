"""How a field is answered. Knows the shop's contexts, and nothing of GraphQL's types.

Everything here takes a :class:`~resolvers.context.RequestContext` and returns domain values or
small dataclasses of its own; the types that clients see wrap them in ``schema/``.
"""
