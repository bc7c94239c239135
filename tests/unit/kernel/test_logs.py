"""Logs tell where something went wrong, and nothing of what the variables held there."""

import json
import logging
from typing import Literal

import asyncpg
import pytest
import structlog
from tortoise.exceptions import IntegrityError

from headless_presale.kernel import logs
from headless_presale.kernel.logs import configure_logs

SECRET = "hunter2-" + "secret"


pytestmark = pytest.mark.usefixtures("logs_as_before")


def _connect(address: str) -> None:
    password = address.rpartition(":")[2]
    assert password
    raise ConnectionError("the server has gone away")


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize("logger", ["ours", "a library's"])
def test_a_traceback_shows_no_values(
    capsys: pytest.CaptureFixture[str], log_format: Literal["console", "json"], logger: str
) -> None:
    configure_logs(log_format=log_format, level="INFO")
    try:
        _connect("postgresql://shop:" + SECRET)
    except ConnectionError:
        if logger == "ours":
            structlog.stdlib.get_logger("presale").exception("it failed")
        else:
            logging.getLogger("procrastinate.worker").exception("it failed")
    written = capsys.readouterr().err
    assert "it failed" in written
    assert "the server has gone away" in written
    assert "_connect" in written
    assert SECRET not in written


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(log_format="json", level="INFO")
    try:
        _connect("postgresql://shop:" + SECRET)
    except ConnectionError:
        structlog.stdlib.get_logger("presale").exception("it failed", order="1")
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told["event"] == "it failed"
    assert told["order"] == "1"
    assert told["exception"][0]["exc_type"] == "ConnectionError"


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_a_socket_that_comes_or_goes_is_no_news(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    level: Literal["DEBUG", "INFO"],
) -> None:
    configure_logs(log_format="json", level=level)
    server = logging.getLogger("uvicorn.error")
    # As the product leaves them; a server of another test may have had uvicorn set them up.
    for logger in (server, logging.getLogger("uvicorn")):
        monkeypatch.setattr(logger, "handlers", [])
        monkeypatch.setattr(logger, "propagate", True)

    address = f"/graphql?token={SECRET}"
    server.info('%s - "WebSocket %s" [accepted]', "127.0.0.1:1", address)
    server.info('%s - "WebSocket %s" 403', "127.0.0.1:1", address)
    server.info("connection open")
    server.debug("< TEXT %s", SECRET)
    try:
        b"\xff".decode()
    except UnicodeDecodeError:
        server.exception("Invalid UTF-8 sequence received from client.")
    assert capsys.readouterr().err == ""

    server.warning("Invalid HTTP request received.")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["level"] == "warning"


def _refuse_a_row(wrapped: Literal["as it is", "as an argument", "as a cause"]) -> None:
    # As asyncpg makes it of what the server says.
    refused = asyncpg.PostgresError.new(
        {
            "S": "ERROR",
            "C": "23514",
            "M": 'new row for relation "sales_order" violates check constraint "a"',
            "D": f"Failing row contains (1, {SECRET}).",
        }
    )
    if wrapped == "as it is":
        raise refused
    if wrapped == "as an argument":
        raise IntegrityError(refused)
    try:
        raise refused
    except asyncpg.PostgresError as error:
        raise RuntimeError("it was not written") from error


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize("wrapped", ["as it is", "as an argument", "as a cause"])
@pytest.mark.parametrize("is_guarded", [True, False], ids=["", "control"])
def test_an_error_of_the_database_shows_no_row(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    log_format: Literal["console", "json"],
    wrapped: Literal["as it is", "as an argument", "as a cause"],
    is_guarded: bool,
) -> None:
    if not is_guarded:
        monkeypatch.setattr(logs, "_hide_rows", lambda logger, method, event: event)
    configure_logs(log_format=log_format, level="INFO")
    try:
        _refuse_a_row(wrapped)
    except Exception:
        logging.getLogger("procrastinate.worker").exception("it failed")
    written = capsys.readouterr().err
    assert "violates check constraint" in written
    assert (SECRET in written) is not is_guarded


def test_nor_does_one_that_has_it_in_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(log_format="console", level="INFO")
    try:
        raise ValueError(f"duplicate key\nDETAIL:  Key (email)=({SECRET}) already exists.")
    except ValueError:
        structlog.stdlib.get_logger("presale").exception("it failed")
    written = capsys.readouterr().err
    assert "duplicate key" in written
    assert SECRET not in written
