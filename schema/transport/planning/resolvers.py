"""What answers a field: the author's function or attribute, without what Strawberry wraps it in.

Strawberry's resolver of a field builds an ``Info`` whether or not it is asked for, converts
arguments by looking up their types, calls through its chain of extensions though there are none,
and awaits through two coroutines of its own. Which of that a field needs is known beforehand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

from graphql import TypeNameMetaFieldDef
from graphql.execution import Executor
from graphql.pyutils import Path
from strawberry import Schema
from strawberry.extensions.field_extension import (
    FieldExtension,
    build_field_extension_resolvers,
)
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from schema.transport.planning.arguments import Coerce, coercion_of, conversion_of
from schema.transport.planning.info import LazyInfo
from schema.transport.planning.places import Place

CONVERTER = "strawberry.schema.schema_converter"

Call = Callable[[Executor[Any], Any, Path, dict[str, Any] | None], Any]
"""Asks for the value of a field: executor, source, path, coerced arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """How the value of a field is come by: by ``read``, else by ``call``.

    Attributes:
        read: Needs the source alone.
        call: Needs the executor, the source, the path of the field and the coerced arguments.
        coerce: Coerces the arguments for ``call``; None where the field takes none.
        is_async: ``call`` is to be called within a coroutine, and what it returns be awaited.
    """

    read: Callable[[Any], Any] | None = None
    call: Call | None = None
    coerce: Coerce | None = None
    is_async: bool = False


def resolver_of(place: Place) -> Resolver:
    """Return what answers a field."""
    if place.definition is TypeNameMetaFieldDef:
        name = place.parent_name
        return Resolver(read=lambda _source: name)
    field = place.definition.extensions.get("strawberry-definition")
    strawberry_schema = getattr(place.schema, "_strawberry_schema", None)
    if isinstance(field, StrawberryField) and isinstance(strawberry_schema, Schema):
        known = _of_strawberry(place, field, strawberry_schema)
        if known is not None:
            return known
    return _as_graphql_core(place)


def _as_graphql_core(place: Place) -> Resolver:
    """Call the resolver of the schema as graphql-core does."""
    resolve = place.definition.resolve

    def call(
        executor: Executor[Any], source: Any, path: Path, arguments: dict[str, Any] | None
    ) -> Any:
        info = place.info(executor, path)
        return (resolve or executor.field_resolver)(source, info, **(arguments or {}))

    return Resolver(call=call, coerce=coercion_of(place))


def _of_strawberry(place: Place, field: StrawberryField, schema: Schema) -> Resolver | None:
    """Return what Strawberry's own resolver of the field does in the end; None if that is more
    than is known here."""
    resolve = place.definition.resolve
    if (
        getattr(resolve, "__module__", None) != CONVERTER
        or type(field).get_result is not StrawberryField.get_result
        or schema.schema_converter.exception_handlers
        or any(_maps_arguments(extension) for extension in field.extensions)
    ):
        return None
    made_by = getattr(resolve, "__name__", None)
    if made_by == "_get_basic_result" and field.default_resolver is getattr:
        return Resolver(read=attrgetter(field.python_name))
    if made_by not in ("_resolver", "_async_resolver") or field.base_resolver is None:
        return None
    return _of_function(place, field, field.base_resolver, schema)


def _maps_arguments(extension: FieldExtension) -> bool:
    return type(extension).map_arguments is not FieldExtension.map_arguments


def _of_function(
    place: Place, field: StrawberryField, base: StrawberryResolver[Any], schema: Schema
) -> Resolver | None:
    function = base.wrapped_func
    if type(base) is not StrawberryResolver or not callable(function):
        return None
    takes_self = base.self_parameter is not None
    source_names = [
        parameter.name for parameter in (base.parent_parameter, base.root_parameter) if parameter
    ]
    info_name = base.info_parameter.name if base.info_parameter else None
    is_async = field.is_async
    coerce = coercion_of(place)
    is_plain = coerce is None and takes_self and not source_names and not field.extensions
    if is_plain and info_name is None and not is_async:
        return Resolver(read=function)
    make_info: Any = schema.config.info_class
    if is_plain and info_name == "info":

        def ask(executor: Executor[Any], source: Any, path: Path, _arguments: Any) -> Any:
            info = make_info(_raw_info=LazyInfo(executor, place, path), _field=field)
            return function(source, info=info)

        return Resolver(call=ask, is_async=is_async)

    convert = conversion_of(field.arguments, schema) if field.arguments else None
    finish = _within_extensions(field, function) if field.extensions else None

    def call(executor: Executor[Any], source: Any, path: Path, arguments: Any) -> Any:
        info = make_info(_raw_info=LazyInfo(executor, place, path), _field=field)
        keywords = {} if convert is None else convert(arguments or {}, info)
        for name in source_names:
            keywords[name] = source
        if info_name is not None:
            keywords[info_name] = info
        positional = (source,) if takes_self else ()
        if finish is not None:
            return finish(source, info, positional, keywords)
        return function(*positional, **keywords)

    return Resolver(call=call, coerce=coerce, is_async=is_async)


def _within_extensions(field: StrawberryField, function: Callable[..., Any]) -> Any:
    """Return what calls a resolver through the field's extensions, the last of them first."""
    chain = build_field_extension_resolvers(field)

    def call(source: Any, info: Any, positional: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        # Extensions have it as an argument of their own.
        takes_info = keywords.pop("info", None) is not None

        def resolve(_source: Any, info: Any, **keywords: Any) -> Any:
            if takes_info:
                keywords["info"] = info
            return function(*positional, **keywords)

        chained: Callable[..., Any] = resolve
        for extension in chain:
            chained = partial(extension, chained)
        return chained(source, info, **keywords)

    return call
