"""What a client is told when something goes wrong, and what only the log is told.

Every top-level error leaves with ``extensions.code``. An error is shown as it is when

* it is about the request itself (document, variables, arguments),
* its class says so: ``public = True`` together with a ``code`` (``RequestError`` does), or
* its class was registered in ``ErrorPresenter(public_exceptions=...)``.

Everything else is a defect of ours: the client reads "Internal error" and a request id, and the
log gets one entry with the traceback, but never the document.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import structlog
from graphql import GraphQLError, ValueNode

DOCUMENT_SYNTAX = "DOCUMENT_SYNTAX"
DOCUMENT_INVALID = "DOCUMENT_INVALID"
DOCUMENT_TOO_COMPLEX = "DOCUMENT_TOO_COMPLEX"
INTROSPECTION_DISABLED = "INTROSPECTION_DISABLED"
OPERATION_UNKNOWN = "OPERATION_UNKNOWN"
OPERATION_NOT_ALLOWED = "OPERATION_NOT_ALLOWED"
VARIABLES_INVALID = "VARIABLES_INVALID"
TIMEOUT = "TIMEOUT"
ARGUMENT_INVALID = "ARGUMENT_INVALID"
REQUEST_INVALID = "REQUEST_INVALID"
REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS"
SESSION_EXPIRED = "SESSION_EXPIRED"
SHUTTING_DOWN = "SHUTTING_DOWN"
INTERNAL = "INTERNAL"

MASKED_MESSAGE = "Internal error"

# Messages quote names and values out of the document: enough to find the mistake, not an echo.
MAX_MESSAGE_LENGTH = 500
# A broken loader can fail differently for every item of a list; the log needs a few of them.
MAX_LOGGED_PER_REQUEST = 5

Tell = Callable[[str, str, str | None], str]

_log = structlog.get_logger(__name__)


class RequestError(Exception):
    """A refusal the client may read: authentication, rate limit, unavailable, malformed.

    Any other exception class is treated alike when it has the same attributes, so code that
    must not import this module can define its own with ``public = True`` and a ``code``. What it
    has as ``details`` is sent with the code.

    Args:
        code: Stable, upper case; sent as ``extensions.code``.
        message: Sent as it is.
        retry_after_seconds: Sent as ``extensions.retryAfterSeconds`` and, with ``http_status``,
            as the ``Retry-After`` header.
        http_status: Status of the whole response when the operation produced no data. Without
            it the rules of GraphQL over HTTP decide (200 or 400).
    """

    public: ClassVar[bool] = True

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
        self.message = message
        self.retry_after_seconds = retry_after_seconds
        self.http_status = http_status


class RequestRefused(RequestError):
    """A request this endpoint cannot take at all (405, 406, 413, 415, ...)."""

    def __init__(
        self,
        http_status: int,
        message: str,
        *,
        code: str = REQUEST_INVALID,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, message, http_status=http_status)
        self.headers = dict(headers or {})


class OperationTimedOut(RequestError):
    """An operation that was given up after its time. The same request may be sent again, as after
    every 503 with ``Retry-After``: a change under the same key is made once."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            TIMEOUT,
            f"The operation took longer than {seconds:g} s and was given up. What it had begun to "
            "change may still be done: send the same request again.",
            retry_after_seconds=1,
            http_status=503,
        )


class DocumentRefused(Exception):
    """A document or an operation name that cannot be run; ``errors`` carry their codes."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


def coded(error: GraphQLError, code: str) -> GraphQLError:
    """Give an error of the request phase its ``extensions.code``."""
    error.extensions = {**(error.extensions or {}), "code": code}
    return error


def root_cause(error: BaseException) -> BaseException:
    """The exception a resolver raised, beneath the layers the executor put around it."""
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    return error


def is_public(cause: BaseException) -> bool:
    """Whether the class of an exception declares itself fit for the client's eyes."""
    return getattr(cause, "public", False) is True and isinstance(getattr(cause, "code", None), str)


@dataclass(frozen=True, slots=True)
class AnswerAs:
    """How a response is sent whose status an error decides; ``status`` None: it decides nothing."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def answer_as(errors: Iterable[GraphQLError]) -> AnswerAs:
    """The status and the headers of the first public error that names a status."""
    for error in errors:
        cause = root_cause(error)
        status = getattr(cause, "http_status", None) if is_public(cause) else None
        if isinstance(status, int):
            headers = dict(getattr(cause, "headers", {}))
            retry_after = getattr(cause, "retry_after_seconds", None)
            if isinstance(retry_after, int):
                headers["retry-after"] = str(retry_after)
            return AnswerAs(status, headers)
    return AnswerAs()


class ErrorPresenter:
    """Turns errors into their wire form; masks and logs those that are not the client's.

    Args:
        public_exceptions: Exception classes of other libraries that are the client's doing, with
            the code to send, e.g. ``{GlobalIDValueError: "ID_INVALID"}``. Subclasses count.
        tell: Returns the message of a code, given the English one and what the client said of its
            languages (``Accept-Language``). Default: the English one.
    """

    def __init__(
        self,
        public_exceptions: Mapping[type[Exception], str] | None = None,
        tell: Tell | None = None,
    ) -> None:
        self._public_exceptions = dict(public_exceptions or {})
        self._tell = tell

    def present(
        self,
        errors: Iterable[GraphQLError],
        *,
        request_id: str,
        operation_name: str | None = None,
        language: str | None = None,
    ) -> list[dict[str, Any]]:
        """Wire form of the errors of one result; a masked cause is logged once, however many
        fields it broke."""
        presented = []
        logged: set[int] = set()
        for error in errors:
            cause = root_cause(error)
            extensions = self._public_extensions(error, cause)
            message = error.message[:MAX_MESSAGE_LENGTH]
            if extensions is None:
                message = MASKED_MESSAGE
                extensions = {"code": INTERNAL, "requestId": request_id}
                if id(cause) not in logged and len(logged) < MAX_LOGGED_PER_REQUEST:
                    logged.add(id(cause))
                    log_masked(cause, request_id, operation_name, error.path)
            if self._tell is not None:
                message = self._tell(extensions["code"], message, language)
            entry: dict[str, Any] = {"message": message}
            if error.locations:
                entry["locations"] = [location.formatted for location in error.locations]
            if error.path is not None:
                entry["path"] = list(error.path)
            entry["extensions"] = extensions
            presented.append(entry)
        return presented

    def _public_extensions(
        self, error: GraphQLError, cause: BaseException
    ) -> dict[str, Any] | None:
        """Extensions to send with a public error; None when it has to be masked."""
        if is_public(cause):
            extensions: dict[str, Any] = {"code": cause.code}  # type: ignore[attr-defined]
            retry_after = getattr(cause, "retry_after_seconds", None)
            if isinstance(retry_after, int):
                extensions["retryAfterSeconds"] = retry_after
            return {**getattr(cause, "details", {}), **extensions}
        for ancestor in type(cause).__mro__:
            if ancestor in self._public_exceptions:
                return {"code": self._public_exceptions[ancestor]}
        if isinstance(cause, GraphQLError):
            extensions = dict(cause.extensions or {})
            if isinstance(extensions.get("code"), str):
                return extensions
            # The executor blames a value in the document: a variable, null where none may be.
            if cause.nodes and isinstance(cause.nodes[0], ValueNode):
                return {**extensions, "code": ARGUMENT_INVALID}
        if error.extensions and isinstance(error.extensions.get("code"), str):
            return dict(error.extensions)
        return None


def log_masked(
    cause: BaseException,
    request_id: str,
    operation_name: str | None,
    path: list[str | int] | None = None,
) -> None:
    """Write the one log entry of a failure the client must not see."""
    fields: dict[str, Any] = {
        "request_id": request_id,
        "operation_name": operation_name[:100] if operation_name else None,
        "path": ".".join(map(str, path)) if path else None,
    }
    if isinstance(cause, GraphQLError):
        # Its text form quotes the document around every location: log the frames, not the text.
        fields["error"] = cause.message[:MAX_MESSAGE_LENGTH]
        fields["frames"] = "".join(traceback.format_tb(cause.__traceback__))
        _log.error("graphql.error_masked", **fields)
    else:
        _log.error("graphql.error_masked", exc_info=cause, **fields)
