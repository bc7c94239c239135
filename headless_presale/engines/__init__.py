"""The embedded engines: a real PostgreSQL and a real Valkey, without installing either.

Used where ``DATABASE_URL`` or ``REDIS_URL`` is unset, by the product and by its tests. A keeper
process owns the servers of a data folder and stops them when their last user is gone, however
that user went. See :mod:`headless_presale.engines.keeper`.
"""

from headless_presale.engines.errors import EngineStartFailed, EnginesUnsupported
from headless_presale.engines.launcher import EmbeddedEngines, EngineUrls
from headless_presale.engines.throwaway import throwaway_engines

__all__ = [
    "EmbeddedEngines",
    "EngineStartFailed",
    "EngineUrls",
    "EnginesUnsupported",
    "throwaway_engines",
]
