"""The hub of live updates."""

from tests.support.live import hub

__all__ = ["hub"]
