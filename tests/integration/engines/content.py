"""Something to find again in both engines."""

from pathlib import Path

import psycopg
import redis


def write_both(database_url: str | None, redis_url: str | None, value: str) -> None:
    assert database_url is not None
    assert redis_url is not None
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        connection.execute("DELETE FROM kept")
        connection.execute("INSERT INTO kept VALUES (%s)", (value,))
    with redis.Redis.from_url(redis_url) as client:
        client.set("kept", value)


def read_both(database_url: str | None, redis_url: str | None) -> tuple[str, str]:
    assert database_url is not None
    assert redis_url is not None
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT value FROM kept").fetchone()
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        value = client.get("kept")
    assert row is not None
    return row[0], str(value)


def was_shut_down_cleanly(folder: Path) -> bool:
    log = (folder / "log" / "postgres.log").read_text()
    return "database system was shut down at" in log and "not properly shut down" not in log
