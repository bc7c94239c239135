"""The gateway's own durable file: SQLite, one process, one thread, one transaction at a time."""

import asyncio
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from headless_presale.sandbox_gateway import timestamps

T = TypeVar("T")

SCHEMA_VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE payment_intent (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL
        CHECK (status IN ('requires_payment', 'failed', 'succeeded', 'cancelled')),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    refunded_minor INTEGER NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
    refunding_minor INTEGER NOT NULL DEFAULT 0 CHECK (refunding_minor >= 0),
    currency TEXT NOT NULL,
    reference TEXT NOT NULL,
    description TEXT,
    return_url TEXT,
    metadata TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    failure_code TEXT,
    cancellation_reason TEXT,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    captured_at TEXT,
    CHECK ((status = 'succeeded') = (captured_at IS NOT NULL)),
    CHECK ((status = 'cancelled') = (cancellation_reason IS NOT NULL)),
    CONSTRAINT never_refund_more_than_captured CHECK (
        refunded_minor + refunding_minor
            <= CASE WHEN captured_at IS NULL THEN 0 ELSE amount_minor END
    )
);
CREATE INDEX payment_intent_reference ON payment_intent (reference);
CREATE INDEX payment_intent_created_at ON payment_intent (created_at);
CREATE INDEX payment_intent_due ON payment_intent (expires_at)
    WHERE expires_at IS NOT NULL AND status IN ('requires_payment', 'failed');

CREATE TABLE payment_attempt (
    payment_intent_id TEXT NOT NULL REFERENCES payment_intent (id),
    number INTEGER NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('pay', 'fail')),
    created_at TEXT NOT NULL,
    PRIMARY KEY (payment_intent_id, number)
) WITHOUT ROWID;

CREATE TABLE refund (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    payment_intent_id TEXT NOT NULL REFERENCES payment_intent (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    reference TEXT NOT NULL,
    failure_code TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('succeed', 'fail', 'hang')),
    settles_at TEXT,
    created_at TEXT NOT NULL,
    settled_at TEXT
);
CREATE INDEX refund_payment_intent ON refund (payment_intent_id);
CREATE INDEX refund_reference ON refund (reference);
CREATE INDEX refund_pending ON refund (settles_at) WHERE status = 'pending';

CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    payment_intent_id TEXT NOT NULL REFERENCES payment_intent (id),
    body TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE delivery (
    event_seq INTEGER PRIMARY KEY REFERENCES event (seq),
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TEXT NOT NULL,
    last_http_status INTEGER,
    last_error TEXT,
    delivered_at TEXT
);
CREATE INDEX delivery_pending ON delivery (next_attempt_at) WHERE status = 'pending';

CREATE TABLE idempotency_key (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_key_created_at ON idempotency_key (created_at);
"""


class DataFileError(RuntimeError):
    """The data file cannot be used: another gateway owns it, or it is of a newer version."""


def new_id(prefix: str) -> str:
    """Return an unguessable id; a payment page's address is the only key to it."""
    return f"{prefix}_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction and what its statements need to know about the world around it."""

    connection: sqlite3.Connection
    now: datetime
    base_url: str
    sends_webhooks: bool

    @property
    def now_text(self) -> str:
        return timestamps.to_text(self.now)

    def execute(self, sql: str, *parameters: Any) -> int:
        """Run one statement and return how many rows it changed."""
        return self.connection.execute(sql, parameters).rowcount

    def find(self, sql: str, *parameters: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self.connection.execute(sql, parameters).fetchone()
        return row

    def list(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        return self.connection.execute(sql, parameters).fetchall()


class Database:
    """Runs functions as transactions, in order, on one thread of its own.

    The event loop never waits for the disk, and because there is a single writer there is
    nothing to retry. A caller cancelled in the middle leaves its transaction to finish.
    """

    def __init__(self, path: Path, *, base_url: str, sends_webhooks: bool) -> None:
        self._path = path
        self._base_url = base_url
        self._sends_webhooks = sends_webhooks
        self._connection: sqlite3.Connection | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._on_change: Callable[[], None] = lambda: None

    async def open(self, *, on_change: Callable[[], None]) -> None:
        """Open or create the file.

        Args:
            on_change: Called on the event loop after each commit that changed a row.

        Raises:
            DataFileError: Another process owns the file, or a newer version has written it.
        """
        loop = asyncio.get_running_loop()
        self._on_change = lambda: _call_soon(loop, on_change)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-database")
        try:
            await loop.run_in_executor(self._executor, self._open)
        except BaseException:
            self._executor.shutdown()
            raise

    async def close(self) -> None:
        """Finish what runs, then close; a file closed so needs no recovery."""
        executor, connection = self._executor, self._connection
        if executor is None or connection is None:
            return
        self._executor = self._connection = None
        await asyncio.get_running_loop().run_in_executor(executor, connection.close)
        executor.shutdown()

    async def run(self, operation: Callable[[Transaction], T]) -> T:
        """Run ``operation`` in a transaction: its return commits, any exception rolls back."""
        if self._executor is None:
            raise RuntimeError("the database is not open")
        run = partial(self._transact, operation)
        return await asyncio.get_running_loop().run_in_executor(self._executor, run)

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Autocommit: transactions are begun by hand. Only the executor's thread uses it.
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
        connection.row_factory = sqlite3.Row
        try:
            # Exclusive for as long as the process lives: two gateways on one file would each
            # deliver every webhook. The system drops the lock even after kill -9.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._check_version(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN IMMEDIATE")
            self._create_schema(connection)
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            connection.close()
            if "locked" in str(error):
                raise DataFileError(f"{self._path} is in use by another gateway") from None
            raise
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _check_version(self, connection: sqlite3.Connection) -> None:
        version = _get_version(connection)
        if version not in (0, SCHEMA_VERSION):
            raise DataFileError(f"{self._path} is of version {version}, not {SCHEMA_VERSION}")

    def _create_schema(self, connection: sqlite3.Connection) -> None:
        if _get_version(connection) == SCHEMA_VERSION:
            return
        # executescript would commit first; one by one they stay in the open transaction.
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO setting (name, value) VALUES ('page_secret', ?)", (secrets.token_hex(32),)
        )
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _transact(self, operation: Callable[[Transaction], T]) -> T:
        connection = self._connection
        if connection is None:
            raise RuntimeError("the database is not open")
        changes_before = connection.total_changes
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = operation(
                Transaction(connection, timestamps.now(), self._base_url, self._sends_webhooks)
            )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if connection.total_changes != changes_before:
            self._on_change()
        return result


def _get_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    # A commit may be the last thing before the loop closes; then nobody is left to be told.
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback)
