"""What went wrong on purpose, as sentences for whoever typed the command."""

import asyncpg
import psycopg
from pydantic import ValidationError
from pydantic_settings import SettingsError

from headless_presale.engines import EngineStartFailed
from headless_presale.kernel.errors import PresaleError


def complaints_about(error: Exception) -> list[str]:
    """Return what to tell of an error; nothing where it is a fault of ours."""
    if isinstance(error, PresaleError | EngineStartFailed | SettingsError):
        return [str(error)]
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_input=False)
        return [
            f"{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in problems
        ]
    if isinstance(error, OSError | asyncpg.PostgresError | psycopg.OperationalError):
        return [f"PostgreSQL or Redis cannot be used: {error}"]
    return []
