"""A request's head, read in one pass, and what it says without reading the same text twice.

Starlette's ``Request`` goes through all headers for each one that is asked for, and clients send
the same few values with every request: those are read once and remembered.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar
from uuid import uuid4

from starlette.types import Scope

T = TypeVar("T")

MAX_REMEMBERED_CHARACTERS = 300
"""What is longer is read each time: nobody fills the memory with what he sends."""
MAX_REMEMBERED_VALUES = 500
FIELDS = "schema.transport.fields"
"""Where in a request's scope its headers are by their names, once they were read."""


def remembered(read: Callable[[str | None], T]) -> Callable[[str | None], T]:
    """Remember what a pure function makes of the values of a header."""
    recall = lru_cache(maxsize=MAX_REMEMBERED_VALUES)(read)

    def call(value: str | None) -> T:
        if value is not None and len(value) > MAX_REMEMBERED_CHARACTERS:
            return read(value)
        return recall(value)

    return call


class Fields:
    """The headers of a request or a handshake, by their names in lower case."""

    __slots__ = ("_fields",)

    def __init__(self, scope: Scope) -> None:
        fields: dict[bytes, bytes] | None = scope.get(FIELDS)
        if fields is None:
            # Of a header that is sent twice the first counts, as with Starlette.
            fields = scope[FIELDS] = dict(reversed([*scope["headers"]]))
        self._fields = fields

    def get(self, name: bytes) -> str | None:
        """Return the value of a header, or None."""
        value = self._fields.get(name)
        return None if value is None else value.decode("latin-1")


class Head(Fields):
    """Method, address and headers of one request.

    Attributes:
        is_get: whether its method is GET.
        query_string: as it came, encoded.
    """

    __slots__ = ("is_get", "method", "query_string", "scope")

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.scope = scope
        self.method: str = scope["method"]
        self.is_get = self.method == "GET"
        self.query_string: bytes = scope["query_string"]

    @property
    def identifies(self) -> bool:
        """Whether its sender says who he is, right or wrong."""
        return b"authorization" in self._fields or b"cookie" in self._fields

    @property
    def request_id(self) -> str:
        """See ``request_id_in``."""
        return request_id_in(self.scope)


def request_id_in(scope: Scope) -> str:
    """Return the id a middleware left in the state, else one made up and then kept there."""
    state = scope.setdefault("state", {})
    request_id: str | None = state.get("request_id")
    if request_id is None:
        request_id = state["request_id"] = uuid4().hex
    return request_id
