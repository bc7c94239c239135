"""From what the domain says to what a client is told.

A business "no" is data: :func:`answer` turns a domain error into a :class:`Refusal`. What is left
for the top level of a response are :class:`PublicError` and its kinds.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import wraps
from types import MappingProxyType
from typing import Any, ClassVar, Generic, ParamSpec, TypeVar

import structlog

from headless_presale.campaigns import CampaignNotPublishable
from headless_presale.kernel.errors import DomainError, NotFound, Unavailable
from headless_presale.kernel.unit_of_work import DATABASE_DOWN
from headless_presale.refusal_texts import TEXTS
from resolvers.messages import fault_message, message_of

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)


class PublicError(Exception):
    """A top-level error that the client may read; the transport knows it by its attributes."""

    public: ClassVar[bool] = True
    headers: Mapping[str, str] = MappingProxyType({})
    """What the answer says besides, where this error decides its status."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry_after_seconds: int | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_seconds = retry_after_seconds
        self.http_status = http_status


class ArgumentInvalid(PublicError):
    """An argument of a field cannot be used: a page size, a cursor, an id."""

    def __init__(self, message: str, *, code: str = "ARGUMENT_INVALID") -> None:
        super().__init__(code, message)


class ServiceUnavailable(PublicError):
    """A part we depend on does not answer; the same request may be sent again."""

    def __init__(self, retry_after_seconds: int = 1) -> None:
        super().__init__(
            "UNAVAILABLE",
            TEXTS["UNAVAILABLE"]["en"],
            retry_after_seconds=retry_after_seconds,
            http_status=503,
        )


class Unauthenticated(PublicError):
    """Nobody is known to be there; RFC 6750 says how to tell."""

    def __init__(self, message: str, *, error: str | None = None) -> None:
        super().__init__("UNAUTHENTICATED", message, http_status=401)
        detail = f' error="{error}", error_description="{message}"' if error else ""
        self.headers = {"www-authenticate": f"Bearer{detail}"}


class TokenExpired(Unauthenticated):
    """The token's time is over. What takes its place needs none."""


class Forbidden(PublicError):
    """The caller is known, and may not."""

    def __init__(self, scopes: Sequence[str], *, because: str | None = None) -> None:
        wanted = " ".join(scopes)
        super().__init__(
            "FORBIDDEN", f"This needs {because or f'the scope {wanted}'}.", http_status=403
        )
        self.headers = {"www-authenticate": f'Bearer error="insufficient_scope", scope="{wanted}"'}


class DocumentNotTrusted(PublicError):
    """The shop answers registered documents alone, and this is none of them."""

    def __init__(self) -> None:
        super().__init__(
            "DOCUMENT_NOT_TRUSTED", TEXTS["DOCUMENT_NOT_TRUSTED"]["en"], http_status=403
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """A business "no", in the client's language.

    Attributes:
        code: stable code of the domain error.
        field: path within the mutation's input, in its spelling; empty when no field is at fault.
        params: values that typed errors carry.
        is_not_found: whether the code is one of the "not found" family.
    """

    code: str
    message: str
    field: tuple[str, ...] = ()
    params: Mapping[str, Any] = attribute(default_factory=dict)
    is_not_found: bool = False


@dataclass(frozen=True, slots=True)
class Answer(Generic[R]):
    """What a mutation came to: a value, or the reasons why there is none."""

    value: R | None = None
    refusals: tuple[Refusal, ...] = ()


def refusal_of(error: DomainError, locale: str, **more: object) -> Refusal:
    """Return a domain error as data; ``more`` adds to its parameters."""
    return Refusal(
        code=error.code,
        message=message_of(error, locale),
        field=tuple(camel(part) for part in error.field),
        params={**error.params, **more},
        is_not_found=isinstance(error, NotFound),
    )


def refusals_of(error: DomainError, locale: str) -> tuple[Refusal, ...]:
    """Return a domain error as data: one refusal for each fault of a campaign."""
    if not isinstance(error, CampaignNotPublishable):
        return (refusal_of(error, locale),)
    return tuple(
        Refusal(
            code=error.code,
            message=fault_message(fault, locale),
            field=tuple(fault.path.split(".")),
            params={"fault": fault.code},
        )
        for fault in error.faults
    )


def camel(part: str) -> str:
    """Return a part of a path as the input spells it: ``postal_code`` is ``postalCode``."""
    head, *tail = part.split("_")
    return head + "".join(word.capitalize() for word in tail)


def reads(read: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Mark what reads from an engine: an engine that is away becomes ServiceUnavailable."""

    @wraps(read)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await read(*args, **kwargs)
        except Unavailable as error:
            raise ServiceUnavailable(error.retry_after_seconds) from error
        except DATABASE_DOWN as error:
            log.warning("resolvers.engine_unavailable", read=read.__qualname__, error=repr(error))
            raise ServiceUnavailable from error

    return guarded


@reads
async def answer(command: Awaitable[R], locale: str) -> Answer[R]:
    """Wait for a command and return its value or its refusal.

    Raises:
        ServiceUnavailable: nobody knows whether it was done; repeat it with the same key.
    """
    try:
        return Answer(value=await command)
    except DomainError as error:
        return Answer(refusals=refusals_of(error, locale))
