"""Structured logs: one event a line, with the id of the request that caused it.

A traceback shows where, never the values that variables had there: among those are addresses with
passwords in them, tokens, and what buyers told us. Nor does an error of the database's show the row
that it is about.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import asyncpg


@contextmanager
def _hiding(library: str) -> Iterator[None]:
    """Have it looked for in vain; one that is loaded already is found."""
    modules: dict[str, Any] = sys.modules
    if library in modules:
        yield
        return
    modules[library] = None
    try:
        yield
    finally:
        del modules[library]


with _hiding("rich"):
    # Where it finds rich it loads all of it, a hundred modules, to draw tracebacks with. Ours are
    # plain.
    import structlog

NOISY = ("authlib", "tortoise", "procrastinate", "httpx", "httpcore", "uvicorn.access")
"""These tell of each statement and each request, Authlib of its tokens: they would drown what
matters, and show what nobody is to see. Only their warnings are kept."""
SERVER = "uvicorn.error"
_OF_EACH_SOCKET = frozenset(
    {
        # With the whole address, and what its query says.
        '%s - "WebSocket %s" [accepted]',
        '%s - "WebSocket %s" 403',
        '%s - "WebSocket %s" %d',
        "connection open",
        "connection closed",
        # With a traceback, for bytes that a client sent: it is told by the close code.
        "Invalid UTF-8 sequence received from client.",
    }
)


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether a line of the server's is about more than one socket that came or went."""
    return record.msg not in _OF_EACH_SOCKET


ROW_BEGINS = "\nDETAIL:"


def _hide_rows(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Take the row out of a database's error: ``Failing row contains (...)``, ``Key (a)=(...)``.

    Which constraint it was stays in the message.
    """
    given = event.get("exc_info")
    if isinstance(given, tuple):
        error = given[1]
    else:
        error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    _hide_rows_of(error, seen=set())
    return event


def _hide_rows_of(error: object, *, seen: set[int]) -> None:
    if not isinstance(error, BaseException) or id(error) in seen:
        return
    seen.add(id(error))
    if isinstance(error, asyncpg.PostgresError):
        error.detail = None
    # psycopg's have it in their text.
    error.args = tuple(
        each.partition(ROW_BEGINS)[0] if isinstance(each, str) else each for each in error.args
    )
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for other in (error.__cause__, error.__context__, *error.args, *inner):
        _hide_rows_of(other, seen=seen)


def configure_logs(*, log_format: Literal["console", "json"], level: str) -> None:
    """Send structlog and the standard library's loggers through one formatter to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format == "json":
        last: list[structlog.typing.Processor] = [
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(),
        ]
    else:
        last = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    structlog.configure(
        processors=[
            # First: there is a line of each request that nobody wants at the usual level.
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _hide_rows,
                *last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    # Below INFO it shows the headers and the messages of sockets, with the tokens in them.
    server = logging.getLogger(SERVER)
    server.setLevel(max(logging.INFO, root.level))
    server.addFilter(_is_news)
