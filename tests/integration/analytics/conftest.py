"""The shop in which something of everything has happened."""

from tests.integration.audits.conftest import played

__all__ = ["played"]
