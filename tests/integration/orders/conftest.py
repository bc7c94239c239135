"""The gateway of each test."""

from tests.support.gateway import sandbox

__all__ = ["sandbox"]
