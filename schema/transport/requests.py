"""What a client asks for, whichever way it came."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """What a client asks for, in the terms of GraphQL over HTTP.

    Attributes:
        query: the document's text; empty only where a client sent nothing but its ``digest``.
        digest: the hash that ``extensions.persistedQuery`` names the document by.
    """

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None
    digest: str | None = None
