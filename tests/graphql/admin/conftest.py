"""The two houses of the tenancy matrix, which have one of everything."""

from tests.graphql.admin.tenancy.conftest import world

__all__ = ["world"]
